"""Checks of all runs of a comparison before the first begins: feasible, or finished and stale.

Errors of a variant that only data and model show would also stop its own run, but hours after the
others have begun.
"""

from pathlib import Path

from safecompress_core.context.run_context import build_run_context
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import SpecError
from safecompress_core.host import Registry
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_core.results.checksums import is_finished
from safecompress_core.results.identity import changes_since
from safecompress_core.runs.run import run_directory
from safecompress_core.specfile.models.comparison import Comparison
from safecompress_core.specfile.problems import LocatedProblem

__all__ = ["changes_of_finished", "require_all_feasible"]


def require_all_feasible(
    comparison: Comparison, registry: Registry, folder: Path, dataset_cache: dict[str, Dataset]
) -> None:
    """Check each variant at each density with its first seed, but for finished runs.

    Args:
        comparison: what is to be done.
        registry: what its components are made of.
        folder: where it is kept.
        dataset_cache: data that have been loaded, and get here what is loaded now.

    Raises:
        SpecError: with everything that was found; what several runs share is reported once.
        MissingExtraError: if a component needs a package that is not installed.
    """
    problems: dict[LocatedProblem, None] = {}
    rehearsed: set[tuple[str, float | None]] = set()
    for entry in comparison.entries:
        run = run_directory(entry.loaded, registry, folder / "runs")
        # The first seed stands for all: seeds change draws, not feasibility.
        if (entry.variant, entry.density) in rehearsed or is_finished(run):
            continue
        rehearsed.add((entry.variant, entry.density))
        try:
            require_feasible(build_run_context(entry.loaded, registry, dataset_cache=dataset_cache))
        except SpecError as error:
            # A dict, not a set, so that problems keep their order.
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise SpecError(list(problems))


def changes_of_finished(
    comparison: Comparison, registry: Registry, folder: Path, dataset_cache: dict[str, Dataset]
) -> dict[str, tuple[str, ...]]:
    """Return the changes since finished runs began, by directory name.

    Raises:
        DataError: if data cannot be read any more.
    """
    stale: dict[str, tuple[str, ...]] = {}
    for entry in comparison.entries:
        run = run_directory(entry.loaded, registry, folder / "runs")
        if is_finished(run):
            # Loads the data, whose hashes are part of the identity.
            identity = build_run_context(
                entry.loaded, registry, dataset_cache=dataset_cache
            ).identity()
            if changes := changes_since(identity, run):
                stale[run.name] = changes
    return stale
