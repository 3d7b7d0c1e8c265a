"""Choices that several charts have: which attack, and which model."""

from collections.abc import Iterable, Sequence

from safecompress_core.report.interactive.chart import Control, Option
from safecompress_core.results.score_file import BASELINE

__all__ = ["choice", "model_choice"]


def choice(label: str, field: str, values: Sequence[str], first: str | None) -> Control:
    """Return the choice of a value of rows.

    Args:
        label: what the reader sees.
        field: of the rows.
        values: of the field, in the order of the options; each is offered once.
        first: chosen at first, where it is among them.
    """
    names = list(dict.fromkeys(values))
    return Control(
        label=label,
        options=tuple(Option(label=name, where={field: name}) for name in names),
        chosen=names.index(first) if first in names else 0,
    )


def model_choice(models: Iterable[str]) -> Control:
    """Return the choice of a model; the chosen one comes first."""
    names = sorted(dict.fromkeys(models), key=lambda name: name == BASELINE)
    return Control(
        label="Model", options=tuple(Option(label=name, where={"model": name}) for name in names)
    )
