"""A strategy's ``set``: what a candidate's training changes, as values or as factors.

``{relaxloss.target: [0.1, 0.3], learning_rate: {factor: 0.5}}`` stands for two candidates.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from safecompress_core.specfile.problems import shorten

__all__ = ["Change", "Changes", "ChangesMark", "expand"]


MAX_CHANGES = 1000
"""Candidates that the lists of one ``set`` may stand for."""


@dataclass(frozen=True, slots=True)
class Change:
    """A new value, or a factor of the value that is there."""

    number: float
    is_factor: bool = False

    def apply(self, current: float) -> float:
        """The value after the change; a whole number stays one where it can."""
        changed = self.number * current if self.is_factor else self.number
        # A factor may make a whole number fractional, which the field's own check then rejects.
        is_whole = isinstance(current, int) and float(changed).is_integer()
        return int(changed) if is_whole else changed

    def __str__(self) -> str:
        return f"x{self.number:g}" if self.is_factor else f"{self.number:g}"


@dataclass(frozen=True, slots=True)
class ChangesMark:
    """Marks a field that changes training; its keys and values are checked with the spec."""


def expand(changes: Mapping[str, Any]) -> list[dict[str, Change]]:
    """One mapping for each combination of the lists, the last key's list turning fastest.

    Args:
        changes: key to a number, to ``{factor: number or list}``, or to a list of either.

    Returns:
        At least one mapping; an empty one if nothing changes.

    Raises:
        ValueError: if a value is none of these; the message ends with what to write instead.
    """
    options = [_options(key, value) for key, value in changes.items()]
    count = math.prod(map(len, options))
    # Before the product is built, which could take all memory.
    if count > MAX_CHANGES:
        message = f"the lists stand for {count} candidates, and at most {MAX_CHANGES} may be"
        raise ValueError(f"{message}; write fewer values, or several strategies")
    # product() varies the last list fastest, as nested loops would.
    return [dict(zip(changes, choice, strict=True)) for choice in itertools.product(*options)]


def _options(key: str, value: Any) -> list[Change]:
    if isinstance(value, list | tuple) and value:
        return [change for item in value for change in _options(key, item)]
    if isinstance(value, Mapping) and set(value) == {"factor"}:
        factors = value["factor"]
        # A single factor and a list of them are written alike.
        numbers = factors if isinstance(factors, list | tuple) else [factors]
        if numbers and all(map(_is_number, numbers)):
            return [Change(number, is_factor=True) for number in numbers]
    if _is_number(value):
        return [Change(value)]
    message = f"{shorten(key)!r} is set to {shorten(repr(value))}"
    raise ValueError(f"{message}; write a number, a list of numbers, or {{factor: 0.5}}")


def _is_number(value: Any) -> bool:
    # bool is a subclass of int.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # YAML has .nan and .inf.
    return is_number and math.isfinite(value)


def _check(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        message = f"{shorten(repr(value))} is no mapping"
        raise ValueError(f"{message}; write it as {{<defence id>.<parameter>: value}}")
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
_LIST = {"type": "array", "items": _NUMBER_OR_FACTOR, "minItems": 1}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"anyOf": [*_NUMBER_OR_FACTOR["anyOf"], _LIST]},
}

Changes = Annotated[dict[str, Any], PlainValidator(_check), WithJsonSchema(_SCHEMA), ChangesMark()]
"""The type of a field that holds changes of training, as a spec writes them."""
