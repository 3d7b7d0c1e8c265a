"""Games of plugins in ``results.json``: what a report says of them, so that it needs no plugin."""

from collections.abc import Mapping
from typing import Literal

from safecompress_core.results.schema.record import Record

__all__ = ["BaselineRecord", "GameMeasureRecord", "GameRecord"]


class GameMeasureRecord(Record):
    """A measure of a game."""

    name: str
    """Its key in an attack."""
    label: str
    """What tables call it; its name where this is empty."""
    unit: str
    """Unit; empty for a fraction or a count."""
    higher: Literal["riskier", "safer"]
    """What a higher value says of the model."""
    guess: str
    """Key of what the best guess achieves by this measure; empty for none."""
    has_gates: bool
    """Whether a gate may name it."""
    is_shown: bool
    """Whether the table of the audit has a row of it."""
    is_numeric: bool
    """Whether only numeric attributes have it."""


class BaselineRecord(Record):
    """The best guess without the model, as templates: ``{key}`` is a value of the attack."""

    guess: str
    """The guess, as a noun."""
    achieves: str
    """What it achieves, as a verb with the value."""


class GameRecord(Record):
    """A game that a plugin registers."""

    summary: str
    """One line about it."""
    question: str
    """Question that its adversaries answer."""
    advantage: str
    """Definition of the advantage, in terms of the other measures."""
    measures: tuple[GameMeasureRecord, ...]
    """Measures, in the order of tables."""
    baselines: tuple[BaselineRecord, ...]
    """Best guesses; the first whose keys an attack has applies."""
    rules: Mapping[str, str]
    """Names of the values of keys that name a rule of guessing."""
    inverted_by: str
    """Mistakes of a user that invert attacks."""
    is_leakage: bool
    """Whether it measures a leak of the model's data."""
    counts: Literal["samples", "non-members", "units"]
    """What ``n`` counts: all samples of a pool, its non-members, or units of the game's own."""
