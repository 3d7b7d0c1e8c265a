"""The table of a comparison: every variant at every density, over all seeds."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from safecompress_core.choose.front import is_nondominated
from safecompress_core.compare.run_metrics import RunMetrics, read_run_metrics
from safecompress_core.compare.seed_statistics import is_best, summary
from safecompress_core.errors import RunDirectoryError
from safecompress_core.report.verdict import verdict_word

__all__ = ["UNCOMPRESSED", "FinishedVariant", "build_table"]

UNCOMPRESSED = "uncompressed"

HIGHER_IS_BETTER: Mapping[str, bool] = {
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
    results: Mapping[str, Any]


def build_table(runs: Sequence[FinishedVariant], *, mia: str | None = None) -> list[dict[str, Any]]:
    """One row for each variant and density, JSON-ready.

    A row has ``name``, ``method``, ``density``, ``seeds``; ``task_accuracy``, ``mia_accuracy``,
    ``tm_score``, ``auc``, ``tpr_at_1_percent_fpr``, ``lift`` and ``advantage.<game>`` (those of
    the strongest attack on each model), ``bytes``, ``seconds`` and ``audit.<attacker>.<measure>``,
    each with ``mean``, ``interval`` and ``values``, or null where nothing measured it;
    ``relative_seconds`` over the uncompressed model's; ``verdicts``, the number of its runs with
    each verdict (PASSED, FAILED, VOID, NO GATES), empty for the uncompressed model; ``best``, the
    figures in which it is better than every other compressed row of its density beyond what seeds
    explain; and ``on_front``, whether no compressed row of its density is as good in task accuracy
    and every game's advantage and better in one. Where densities are asked for, a row that has
    none is held against those of the density that it keeps. The uncompressed model is the first
    row.

    Args:
        runs: finished ones; of each variant and density the same seeds.
        mia: the attacker whose accuracy is the papers' MIA accuracy.

    Raises:
        RunDirectoryError: if runs of one seed are of different data or pools.
    """
    _require_same_pools(runs)
    rows = [_row(key, group, mia) for key, group in _group_runs(runs).items()]
    if not any(row["name"] == UNCOMPRESSED for row in rows):
        rows.insert(0, _summarise_uncompressed(runs, mia))
    base = next(row for row in rows if row["name"] == UNCOMPRESSED)["seconds"]
    for row in rows:
        row["relative_seconds"] = _ratio(row["seconds"], base)
    compressed = [row for row in rows if row["method"] != UNCOMPRESSED]
    are_asked_for = any(row["density"] is not None for row in compressed)
    for peers in _by_density(compressed, are_asked_for=are_asked_for):
        for row, on_front in zip(peers, _on_front(peers), strict=True):
            row["best"] = [name for name in HIGHER_IS_BETTER if _leads(row, peers, name)]
            row["on_front"] = on_front
    return rows


def _by_density(
    rows: Sequence[dict[str, Any]], *, are_asked_for: bool
) -> Iterable[list[dict[str, Any]]]:
    """The rows that are held against each other."""
    groups: dict[float | None, list[dict[str, Any]]] = {}
    for row in rows:
        density = row["density"]
        if density is None and are_asked_for:
            density = row["kept"]["mean"]
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
) -> dict[str, Any]:
    variant, method, density = key
    readings = [
        read_run_metrics(
            run.results,
            performance=run.results["selection"]["performance"],
            seconds=run.results["seconds"]["baseline" if run.is_plain else "compress"],
            mia=mia,
        )
        for run in runs
    ]
    verdicts = Counter(verdict_word(run.results) for run in runs)
    row = _describe(variant, method, density, [run.seed for run in runs], readings)
    return {**row, "verdicts": dict(verdicts)}


def _summarise_uncompressed(runs: Sequence[FinishedVariant], mia: str | None) -> dict[str, Any]:
    """Summarise the uncompressed models, one for each seed."""
    by_seed = {run.seed: run for run in reversed(runs)}
    seeds = sorted(by_seed)
    readings = [
        read_run_metrics(
            by_seed[seed].results["baseline"],
            performance=by_seed[seed].results["selection"]["performance"],
            seconds=by_seed[seed].results["seconds"]["baseline"],
            mia=mia,
        )
        for seed in seeds
    ]
    return _describe(UNCOMPRESSED, UNCOMPRESSED, None, seeds, readings)


def _describe(
    name: str,
    method: str,
    density: float | None,
    seeds: Sequence[int],
    readings: Sequence[RunMetrics],
) -> dict[str, Any]:
    def over_seeds(figure: Callable[[RunMetrics], float | None]) -> dict[str, Any] | None:
        values = [value for reading in readings if (value := figure(reading)) is not None]
        return summary(values) if len(values) == len(readings) else None

    return {
        "name": name,
        "method": method,
        "density": density,
        "kept": over_seeds(lambda metrics: metrics.density),
        "model_density": over_seeds(lambda metrics: metrics.model_density),
        "sparsifiable": min(metrics.sparsifiable for metrics in readings),
        "seeds": list(seeds),
        **{
            figure: over_seeds(lambda metrics, figure=figure: getattr(metrics, figure))  # type: ignore[misc]
            for figure in HIGHER_IS_BETTER
        },
        "advantage": {
            str(game): over_seeds(lambda metrics, game=game: metrics.advantage(game))  # type: ignore[misc]
            for game in readings[0].games
        },
        "audit": {
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
        "verdicts": {},
        "best": [],
        "on_front": None,
    }


def _leads(row: Mapping[str, Any], peers: Sequence[Mapping[str, Any]], figure: str) -> bool:
    """Return whether a row is the best of its density; those without figure or seeds are out."""
    value = row[figure]
    if value is None:
        return False
    others = [
        peer[figure]["values"]
        for peer in peers
        if peer is not row and peer[figure] is not None and peer["seeds"] == row["seeds"]
    ]
    return is_best(value["values"], others, higher_is_better=HIGHER_IS_BETTER[figure])


def _on_front(peers: Sequence[Mapping[str, Any]]) -> list[bool]:
    """By row, whether none dominates it in task accuracy and the advantage of every game."""
    if not peers:
        return []
    points = np.array([[-row["task_accuracy"]["mean"], *_leaks(row)] for row in peers])
    return [bool(flag) for flag in is_nondominated(points)]


def _leaks(row: Mapping[str, Any]) -> list[float]:
    return [summary["mean"] for summary in row["advantage"].values() if summary is not None]


def _ratio(row: Mapping[str, Any] | None, base: Mapping[str, Any] | None) -> float | None:
    if row is None or base is None or not base["mean"]:
        return None
    return float(row["mean"] / base["mean"])


def _require_same_pools(runs: Sequence[FinishedVariant]) -> None:
    first: dict[int, FinishedVariant] = {}
    for run in runs:
        known = first.setdefault(run.seed, run)
        ours, other = (_fingerprints(run_.results) for run_ in (run, known))
        if ours != other:
            pool = next(name for name in ours | other if ours.get(name) != other.get(name))
            raise RunDirectoryError(
                f"runs of seed {run.seed} are of different data or pools, so they cannot be "
                f"compared: pool {pool!r} is {other.get(pool)} for {known.variant!r} and "
                f"{ours.get(pool)} for {run.variant!r}; give them the same task, pools and seed"
            )


def _fingerprints(results: Mapping[str, Any]) -> dict[str, str]:
    return {name: pool["fingerprint"] for name, pool in results["pools"].items()}
