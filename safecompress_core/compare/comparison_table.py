"""The table of a comparison: every variant at every density, over all seeds."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from safecompress_core.choose.front import is_nondominated
from safecompress_core.compare.behaviour_changes import behaviour_changes
from safecompress_core.compare.run_metrics import RunMetrics, read_run_metrics
from safecompress_core.compare.seed_statistics import is_best, summary
from safecompress_core.compare.training_cost import TrainingCost
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
    "cpu_seconds": False,
}
"""The figures of a row that variants compete in, and which way is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedVariant:
    """A finished run of a comparison.

    Attributes:
        variant: its name.
        method: the type of its method.
        density: what was asked for; None where the variant has its own, or none.
        budget: likewise, in trainings of one model.
        seed: of the run.
        is_plain: whether the method is dense training and nothing else, which a run has done
            already when it comes to its method.
        cost: of its method; None where it is not known.
        plain_cost: of the uncompressed model.
        results: the content of its ``results.json``.
    """

    variant: str
    method: str
    density: float | None
    budget: float | None
    seed: int
    is_plain: bool
    cost: TrainingCost | None
    plain_cost: TrainingCost
    results: Results


class _Key(NamedTuple):
    """Values that the runs of a row have in common."""

    name: str
    method: str
    density: float | None
    budget: float | None


def build_table(
    runs: Sequence[FinishedVariant], *, mia: str | None = None
) -> tuple[VariantRecord, ...]:
    """One row for each variant, density and budget; the uncompressed model is the first row.

    Where densities are asked for, a row that has none is compared with those of the density that it
    keeps. Rows of different budgets are not compared; one without a budget is compared with those
    of every budget.

    Args:
        runs: finished ones; of each variant, density and budget the same seeds.
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
    for same_density in _by_density(compressed, are_asked_for=are_asked_for):
        fields = _by_budget(same_density)
        for row in same_density:
            rivals = [peers for peers in fields if any(peer is row for peer in peers)]
            standings[id(row)] = {
                "best": tuple(
                    name
                    for name in HIGHER_IS_BETTER
                    if all(_leads(row, peers, name) for peers in rivals)
                ),
                "on_front": all(_is_on_front(row, peers) for peers in rivals),
            }
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


def _by_budget(rows: Sequence[VariantRecord]) -> list[list[VariantRecord]]:
    """Return the rows of each budget, with those that have none."""
    budgets = dict.fromkeys(row.budget for row in rows if row.budget is not None)
    if not budgets:
        return [list(rows)]
    return [[row for row in rows if row.budget in (None, budget)] for budget in budgets]


def _group_runs(runs: Sequence[FinishedVariant]) -> dict[_Key, list[FinishedVariant]]:
    groups: dict[_Key, list[FinishedVariant]] = {}
    for run in runs:
        key = _Key(run.variant, run.method, run.density, run.budget)
        groups.setdefault(key, []).append(run)
    return groups


def _row(key: _Key, runs: Sequence[FinishedVariant], mia: str | None) -> VariantRecord:
    readings = [_read(run, mia) for run in runs]
    verdicts = Counter(verdict_word(run.results) for run in runs)
    row = _describe(key, [run.seed for run in runs], readings)
    changes = behaviour_changes([run.results for run in runs])
    return row.model_copy(
        update={"verdicts": dict(verdicts)} | ({"behaviours": changes} if changes else {})
    )


def _read(run: FinishedVariant, mia: str | None) -> RunMetrics:
    times = run.results.seconds
    return read_run_metrics(
        run.results,
        performance=run.results.selection.performance,
        seconds=times.baseline if run.is_plain else times.compress,
        cpu_seconds=times.baseline_cpu if run.is_plain else times.compress_cpu,
        cost=run.cost,
        mia=mia,
    )


def _summarise_uncompressed(runs: Sequence[FinishedVariant], mia: str | None) -> VariantRecord:
    """Summarise the uncompressed models, one for each seed."""
    # Reversed, so that the first run of each seed wins.
    by_seed = {run.seed: run for run in reversed(runs)}
    seeds = sorted(by_seed)
    readings = [
        read_run_metrics(
            baseline,
            performance=run.results.selection.performance,
            seconds=run.results.seconds.baseline,
            cpu_seconds=run.results.seconds.baseline_cpu,
            cost=run.plain_cost,
            mia=mia,
        )
        for run in map(by_seed.__getitem__, seeds)
        if (baseline := run.results.baseline) is not None
    ]
    return _describe(_Key(UNCOMPRESSED, UNCOMPRESSED, None, None), seeds, readings)


def _describe(key: _Key, seeds: Sequence[int], readings: Sequence[RunMetrics]) -> VariantRecord:
    def over_seeds(figure: Callable[[RunMetrics], float | None]) -> SummaryRecord | None:
        values = [value for reading in readings if (value := figure(reading)) is not None]
        # A mean over some of the seeds would not be comparable.
        return summary(values) if len(values) == len(readings) else None

    return VariantRecord(
        **key._asdict(),
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
        trainings=over_seeds(lambda metrics: metrics.trainings),
        steps=over_seeds(lambda metrics: metrics.steps),
        seconds=over_seeds(lambda metrics: metrics.seconds),
        cpu_seconds=over_seeds(lambda metrics: metrics.cpu_seconds),
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


def _is_on_front(row: VariantRecord, peers: Sequence[VariantRecord]) -> bool:
    """Return whether no peer dominates it in task accuracy and the advantage of every game."""
    # Negated: dominance is computed on losses.
    points = np.array([[-_mean(peer.task_accuracy), *_leaks(peer)] for peer in peers])
    flags = zip(peers, is_nondominated(points), strict=True)
    return any(bool(flag) for peer, flag in flags if peer is row)


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
