"""The table of a comparison: every variant at every density, over all seeds."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from safecompress_core.choose.front import is_nondominated
from safecompress_core.compare.run_metrics import RunMetrics, read_run_metrics
from safecompress_core.compare.seed_statistics import is_best, summary
from safecompress_core.errors import RunDirectoryError
from safecompress_core.report.verdict import verdict_word
from safecompress_core.results.schema import (
    FigureName,
    PoolRecord,
    Results,
    SummaryRecord,
    VariantRecord,
)

__all__ = ["UNCOMPRESSED", "FinishedVariant", "build_table"]

UNCOMPRESSED = "uncompressed"

HIGHER_IS_BETTER: Mapping[FigureName, bool] = {
    "task_accuracy": True,
    "mia_accuracy": False,
    "tm_score": True,
    "auc": False,
    "tpr_at_1_percent_fpr": False,
    "lift": False,
    "bytes": False,
    "seconds": False,
}
"""The figures of a row, and which way is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedVariant:
    """A finished run of a comparison.

    Attributes:
        variant: its name.
        method: the type of its method.
        density: what was asked for; None where the variant has its own, or none.
        seed: of the run.
        is_plain: whether the method is dense training and nothing else, which a run has done
            already when it comes to its method.
        results: the content of its ``results.json``.
    """

    variant: str
    method: str
    density: float | None
    seed: int
    is_plain: bool
    results: Results


def build_table(
    runs: Sequence[FinishedVariant], *, mia: str | None = None
) -> tuple[VariantRecord, ...]:
    """One row for each variant and density; the uncompressed model is the first row.

    Where densities are asked for, a row that has none is compared with those of the density that it
    keeps.

    Args:
        runs: finished ones; of each variant and density the same seeds.
        mia: the attacker whose accuracy is the papers' MIA accuracy.

    Raises:
        RunDirectoryError: if runs of one seed are of different data or pools.
    """
    _require_same_pools(runs)
    rows = [_row(key, group, mia) for key, group in _group_runs(runs).items()]
    # The dense model of any run serves, since all runs of a seed share it.
    if not any(row.name == UNCOMPRESSED for row in rows):
        rows.insert(0, _summarise_uncompressed(runs, mia))
    base = next(row for row in rows if row.name == UNCOMPRESSED).seconds
    # A dense variant, with or without a defence, is no rival of compressed ones.
    compressed = [row for row in rows if row.method != UNCOMPRESSED]
    are_asked_for = any(row.density is not None for row in compressed)
    standings: dict[int, dict[str, object]] = {}
    for peers in _by_density(compressed, are_asked_for=are_asked_for):
        for row, on_front in zip(peers, _on_front(peers), strict=True):
            best = tuple(name for name in HIGHER_IS_BETTER if _leads(row, peers, name))
            standings[id(row)] = {"best": best, "on_front": on_front}
    return tuple(
        row.model_copy(
            update={
                "relative_seconds": _ratio(row.seconds, base),
                **standings.get(id(row), {}),
            }
        )
        for row in rows
    )


def _by_density(
    rows: Sequence[VariantRecord], *, are_asked_for: bool
) -> Iterable[list[VariantRecord]]:
    """Return the rows that are compared with each other."""
    groups: dict[float | None, list[VariantRecord]] = {}
    for row in rows:
        density = row.density
        # Its own density decides which variants it competes with.
        if density is None and are_asked_for and row.kept is not None:
            density = row.kept.mean
        groups.setdefault(density, []).append(row)
    return groups.values()


def _group_runs(
    runs: Sequence[FinishedVariant],
) -> dict[tuple[str, str, float | None], list[FinishedVariant]]:
    groups: dict[tuple[str, str, float | None], list[FinishedVariant]] = {}
    for run in runs:
        groups.setdefault((run.variant, run.method, run.density), []).append(run)
    return groups


def _row(
    key: tuple[str, str, float | None], runs: Sequence[FinishedVariant], mia: str | None
) -> VariantRecord:
    variant, method, density = key
    readings = [
        read_run_metrics(
            run.results,
            performance=run.results.selection.performance,
            seconds=run.results.seconds.baseline if run.is_plain else run.results.seconds.compress,
            mia=mia,
        )
        for run in runs
    ]
    verdicts = Counter(verdict_word(run.results) for run in runs)
    row = _describe(variant, method, density, [run.seed for run in runs], readings)
    return row.model_copy(update={"verdicts": dict(verdicts)})


def _summarise_uncompressed(runs: Sequence[FinishedVariant], mia: str | None) -> VariantRecord:
    """Summarise the uncompressed models, one for each seed."""
    # Reversed, so that the first run of each seed wins.
    by_seed = {run.seed: run.results for run in reversed(runs)}
    seeds = sorted(by_seed)
    readings = [
        read_run_metrics(
            baseline,
            performance=by_seed[seed].selection.performance,
            seconds=by_seed[seed].seconds.baseline,
            mia=mia,
        )
        for seed in seeds
        if (baseline := by_seed[seed].baseline) is not None
    ]
    return _describe(UNCOMPRESSED, UNCOMPRESSED, None, seeds, readings)


def _describe(
    name: str,
    method: str,
    density: float | None,
    seeds: Sequence[int],
    readings: Sequence[RunMetrics],
) -> VariantRecord:
    def over_seeds(figure: Callable[[RunMetrics], float | None]) -> SummaryRecord | None:
        values = [value for reading in readings if (value := figure(reading)) is not None]
        # A mean over some of the seeds would not be comparable.
        return summary(values) if len(values) == len(readings) else None

    return VariantRecord(
        name=name,
        method=method,
        density=density,
        kept=over_seeds(lambda metrics: metrics.density),
        model_density=over_seeds(lambda metrics: metrics.model_density),
        sparsifiable=min(metrics.sparsifiable for metrics in readings),
        seeds=tuple(seeds),
        task_accuracy=over_seeds(lambda metrics: metrics.task_accuracy),
        mia_accuracy=over_seeds(lambda metrics: metrics.mia_accuracy),
        tm_score=over_seeds(lambda metrics: metrics.tm_score),
        auc=over_seeds(lambda metrics: metrics.auc),
        tpr_at_1_percent_fpr=over_seeds(lambda metrics: metrics.tpr_at_1_percent_fpr),
        lift=over_seeds(lambda metrics: metrics.lift),
        bytes=over_seeds(lambda metrics: metrics.bytes),
        seconds=over_seeds(lambda metrics: metrics.seconds),
        advantage={
            game: over_seeds(lambda metrics, game=game: metrics.advantage(game))  # type: ignore[misc]
            for game in readings[0].games
        },
        audit={
            attacker: {
                measure: over_seeds(
                    lambda metrics, attacker=attacker, measure=measure: (  # type: ignore[misc]
                        metrics.audit[attacker].measures.get(measure)
                    )
                )
                for measure in attacked.measures
            }
            for attacker, attacked in readings[0].audit.items()
        },
        verdicts={},
        best=(),
        on_front=None,
        relative_seconds=None,
    )


def _leads(row: VariantRecord, peers: Sequence[VariantRecord], name: FigureName) -> bool:
    """Return whether a row is the best of its density; those without figure or seeds are out."""
    own = row.figure(name)
    if own is None:
        return False
    others = [
        figure.values
        for peer in peers
        # Paired by seed, so only rows with the same seeds can be tested.
        if peer is not row and peer.seeds == row.seeds and (figure := peer.figure(name)) is not None
    ]
    return is_best(own.values, others, higher_is_better=HIGHER_IS_BETTER[name])


def _on_front(peers: Sequence[VariantRecord]) -> list[bool]:
    """By row, whether none dominates it in task accuracy and the advantage of every game."""
    if not peers:
        return []
    # Negated: dominance is computed on losses.
    points = np.array([[-_mean(row.task_accuracy), *_leaks(row)] for row in peers])
    return [bool(flag) for flag in is_nondominated(points)]


def _mean(figure: SummaryRecord | None) -> float:
    assert figure is not None  # every run measures its task accuracy
    return figure.mean


def _leaks(row: VariantRecord) -> list[float]:
    return [found.mean for found in row.advantage.values() if found is not None]


def _ratio(own: SummaryRecord | None, base: SummaryRecord | None) -> float | None:
    return None if own is None or base is None or not base.mean else own.mean / base.mean


def _require_same_pools(runs: Sequence[FinishedVariant]) -> None:
    first: dict[int, FinishedVariant] = {}
    for run in runs:
        known = first.setdefault(run.seed, run)
        # By fingerprint, since a changed data file keeps its name.
        ours, theirs = (_fingerprints(either.results.pools) for either in (run, known))
        if ours != theirs:
            pool = next(name for name in ours | theirs if ours.get(name) != theirs.get(name))
            raise RunDirectoryError(
                f"runs of seed {run.seed} are of different data or pools, so they cannot be "
                f"compared: pool {pool!r} is {theirs.get(pool)} for {known.variant!r} and "
                f"{ours.get(pool)} for {run.variant!r}; give them the same task, pools and seed"
            )


def _fingerprints(pools: Mapping[str, PoolRecord]) -> dict[str, str]:
    return {name: pool.fingerprint for name, pool in pools.items()}
