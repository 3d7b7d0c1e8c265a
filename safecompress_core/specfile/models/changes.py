"""A strategy's ``set``: what a candidate's training changes, as values, factors or ranges.

``{relaxloss.target: [0.1, 0.3], learning_rate: {factor: 0.5}}`` stands for two candidates, and
``{relaxloss.target: {low: 0.1, high: 0.3}}`` for three: both ends and the middle.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import PlainValidator, WithJsonSchema

from safecompress_core.specfile.names import offer
from safecompress_core.specfile.problems import SpecPath, shorten

__all__ = [
    "LAYER_DENSITY",
    "Change",
    "Changes",
    "ChangesError",
    "ChangesMark",
    "Range",
    "Scale",
    "expand",
    "options",
]


LAYER_DENSITY = "density."
"""What a key begins with that changes the density of one layer; its name comes after it."""
MAX_CHANGES = 1000
"""Candidates that the lists of one ``set`` may stand for."""

Scale = Literal["linear", "log"]
"""How values of a range are spread: evenly, or evenly in their logarithm."""


class ChangesError(ValueError):
    """A ``set`` cannot be read; the message ends with what to write instead.

    Attributes:
        path: what is at fault, below the ``set``.
    """

    def __init__(self, path: SpecPath, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Change:
    """A new value, or a factor of the value that is there.

    Attributes:
        number: the value or the factor.
        is_factor: which of the two.
        is_drawn: whether the value is one of a range, and rounded where whole numbers are needed.
    """

    number: float
    is_factor: bool = False
    is_drawn: bool = False

    def apply(self, current: float) -> float:
        """The value after the change; a whole number stays one where it can."""
        changed = self.number * current if self.is_factor else self.number
        # bool is a subclass of int.
        if self.is_drawn and isinstance(current, int) and not isinstance(current, bool):
            return round(changed)
        # A factor may make a whole number fractional, which the field's own check then rejects.
        is_whole = isinstance(current, int) and float(changed).is_integer()
        return int(changed) if is_whole else changed

    def __str__(self) -> str:
        return f"x{self.number:g}" if self.is_factor else f"{self.number:g}"


@dataclass(frozen=True, slots=True)
class Range:
    """Values between two ends, both included."""

    low: float
    high: float
    scale: Scale = "linear"

    def at(self, share: float) -> float:
        """Return the value at a share of the way from the low to the high end, in [0, 1]."""
        # Both formulas are exact at the ends, which must not leave a parameter's range.
        value: float
        if self.scale == "log":
            value = self.low ** (1 - share) * self.high**share
        else:
            value = self.low * (1 - share) + self.high * share
        return min(max(value, self.low), self.high)

    def change(self, share: float) -> Change:
        """Return the change to the value of `at`, rounded where whole numbers are needed."""
        return Change(self.at(share), is_drawn=True)


@dataclass(frozen=True, slots=True)
class ChangesMark:
    """Marks a field that changes training; its keys and values are checked with the spec."""


def expand(changes: Mapping[str, Any]) -> list[dict[str, Change]]:
    """One mapping for each combination of the lists, the last key's list turning fastest.

    A range stands for its low end, its middle and its high end.

    Args:
        changes: key to a number, to ``{factor: number or list}``, to a list of either, or to
            ``{low: number, high: number}`` with a ``scale`` or without.

    Returns:
        At least one mapping; an empty one if nothing changes.

    Raises:
        ChangesError: if a value is none of these.
    """
    choices = [
        tuple(map(option.change, (0, 0.5, 1))) if isinstance(option, Range) else option
        for option in options(changes).values()
    ]
    count = math.prod(map(len, choices))
    # Before the product is built, which could take all memory.
    if count > MAX_CHANGES:
        message = f"the lists stand for {count} candidates, and at most {MAX_CHANGES} may be"
        raise ChangesError((), message, "write fewer values, or several strategies")
    # product() varies the last list fastest, as nested loops would.
    return [dict(zip(changes, choice, strict=True)) for choice in itertools.product(*choices)]


def options(changes: Mapping[str, Any]) -> dict[str, tuple[Change, ...] | Range]:
    """Return the values, or the range of values, that each key may take.

    Raises:
        ChangesError: as `expand`, but for the number of combinations.
    """
    return {
        key: _range(key, value) if _is_range(value) else tuple(_changes(key, value))
        for key, value in changes.items()
    }


def _changes(key: str, value: Any) -> list[Change]:
    if isinstance(value, list | tuple) and value:
        return [change for item in value for change in _changes(key, item)]
    if isinstance(value, Mapping) and set(value) == {"factor"}:
        factors = value["factor"]
        # A single factor and a list of them are written alike.
        numbers = factors if isinstance(factors, list | tuple) else [factors]
        if numbers and all(map(_is_number, numbers)):
            return [Change(number, is_factor=True) for number in numbers]
    if _is_number(value):
        return [Change(value)]
    message = f"{shorten(key)!r} is set to {shorten(repr(value))}"
    if _is_range(value):
        raise ChangesError((key,), message, "write the range alone, not in a list")
    hint = "write a number, a list of numbers, {factor: 0.5}, or {low: 0.1, high: 0.3}"
    raise ChangesError((key,), message, hint)


_ENDS = ("low", "high")
_SCALES: tuple[Scale, ...] = get_args(Scale)


def _is_range(value: Any) -> bool:
    return isinstance(value, Mapping) and not set(value).isdisjoint({*_ENDS, "scale"})


def _range(key: str, value: Mapping[str, Any]) -> Range:
    """Return the range that a spec writes; each reason against it at its own place."""
    names = (*_ENDS, "scale")
    for name in value:
        if name not in names:
            message = f"a range has no {shorten(str(name))!r}"
            raise ChangesError((key, str(name)), message, offer(str(name), names))
    for name in _ENDS:
        if name not in value:
            raise ChangesError((key,), f"the range has no {name!r}", "add it")
        if not _is_number(value[name]):
            message = f"{shorten(repr(value[name]))} is no end of a range"
            raise ChangesError((key, name), message, "write a number")
    scale = value.get("scale", "linear")
    if scale not in _SCALES:
        message = f"{shorten(repr(scale))} is no scale"
        raise ChangesError((key, "scale"), message, offer(str(scale), _SCALES))
    low, high = value["low"], value["high"]
    if low >= high:
        message = f"the range begins at {low:g} and ends at {high:g}"
        raise ChangesError((key, "low"), message, f"write less than {high:g}")
    if scale == "log" and low <= 0:
        message = f"a range on a log scale begins above 0, not at {low:g}"
        raise ChangesError((key, "low"), message, "write a positive number, or scale: linear")
    return Range(low, high, scale)


def _is_number(value: Any) -> bool:
    # bool is a subclass of int.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # YAML has .nan and .inf.
    return is_number and math.isfinite(value)


def _check(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        message = f"{shorten(repr(value))} is no mapping"
        raise ChangesError((), message, "write it as {<defence id>.<parameter>: value}")
    # Only for its errors; candidates expand it again.
    expand(value)
    return dict(value)


_NUMBERS = {
    "anyOf": [{"type": "number"}, {"type": "array", "items": {"type": "number"}, "minItems": 1}]
}
_FACTOR = {
    "type": "object",
    "properties": {"factor": _NUMBERS},
    "required": ["factor"],
    "additionalProperties": False,
}
_NUMBER_OR_FACTOR = {"anyOf": [{"type": "number"}, _FACTOR]}
_RANGE = {
    "type": "object",
    "properties": {
        "low": {"type": "number"},
        "high": {"type": "number"},
        "scale": {"enum": list(_SCALES)},
    },
    "required": list(_ENDS),
    "additionalProperties": False,
}
_LIST = {"type": "array", "items": _NUMBER_OR_FACTOR, "minItems": 1}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"anyOf": [*_NUMBER_OR_FACTOR["anyOf"], _RANGE, _LIST]},
}

Changes = Annotated[dict[str, Any], PlainValidator(_check), WithJsonSchema(_SCHEMA), ChangesMark()]
"""The type of a field that holds changes of training, as a spec writes them."""
