"""Models of a run's archive, by id and by preference, read from its results."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from safecompress_core.errors import RunDirectoryError

if TYPE_CHECKING:
    from safecompress_core.results.schema import ArchiveRecord, Results

__all__ = ["Preference", "archive_table", "find_entry", "other_model", "pick_entry"]

Preference = Literal["safety", "performance", "balanced"]


def find_entry(results: "Results", model: str) -> "ArchiveRecord":
    """Return the model of an id.

    Raises:
        RunDirectoryError: if there is none; the message offers the nearest.
    """
    archive = {entry.id: entry for entry in results.archive}
    if model not in archive:
        # Imported on error only: most calls find the model.
        from safecompress_core.specfile.names import offer

        none = "this run kept no archive"
        raise RunDirectoryError(f"no model is called {model!r}; {offer(model, archive, none=none)}")
    return archive[model]


def pick_entry(results: "Results", preference: Preference) -> "ArchiveRecord":
    """Return the model that a preference takes.

    Raises:
        RunDirectoryError: if the run kept no archive.
    """
    # Lazy, since it needs numpy, which listing an archive does not.
    from safecompress_core.choose.archive import Archive
    from safecompress_core.choose.archive import ArchiveEntry as Point

    if not results.archive:
        raise RunDirectoryError("this run kept no archive, so there is no other model to take")
    attackers = results.selection.attackers
    points = tuple(
        # The archive's own rule, so that a preference means the same here as in a run.
        Point(
            entry.id,
            entry.objectives["performance"],
            tuple(entry.objectives[name] for name in attackers),
            costs={name: entry.objectives[name] for name in results.selection.measures},
        )
        for entry in results.archive
    )
    weights = tuple(one.weight for one in attackers.values())
    return find_entry(results, Archive(weights=weights, entries=points).pick(preference).id)


def other_model(results: "Results", run: Path) -> str:
    """Return the command that takes another model than the chosen one; it lists them if need be."""
    # The first preference that leads elsewhere than to the chosen model.
    for preference in get_args(Preference):
        if not pick_entry(results, preference).chosen:
            return f"safecompress pick {run} --prefer {preference}"
    return f"safecompress pick {run}"


def archive_table(results: "Results") -> Any:
    """Return all models as a table for a terminal.

    Raises:
        RunDirectoryError: if the run kept no archive.
    """
    from rich import box
    from rich.table import Table

    from safecompress_core.report.formatting import format_number

    if not results.archive:
        raise RunDirectoryError("this run kept no archive, so there is no model to take")
    figures = [dict(entry.objectives) for entry in results.archive]
    for entry, of_entry in zip(results.archive, figures, strict=True):
        if entry.win_share is not None:
            of_entry["win share"] = entry.win_share
    names = list(figures[0])
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for title in ("id", *names, "", "strategy"):
        table.add_column(title, justify="right" if title in names else "left")
    for entry, of_entry in zip(results.archive, figures, strict=True):
        values = map(format_number, of_entry.values())
        table.add_row(entry.id, *values, "chosen" if entry.chosen else "", entry.strategy)
    return table
