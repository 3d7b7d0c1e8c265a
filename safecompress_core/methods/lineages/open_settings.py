"""Open settings: all that the strategies of a spec leave open for the lineages of a field."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from safecompress_core.api import Start
from safecompress_core.specfile.models.changes import Change, Range, options

__all__ = ["OpenSettings", "Option"]

Item = TypeVar("Item")

Option = Change | Range | None
"""A value, values to draw from, or None for what the spec itself says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSettings:
    """The space that a field of lineages is spread over.

    Attributes:
        rules: index of the first strategy of each distinct prune × grow.
        starts: sources of the first weights.
        values: by key of the strategies' ``set``, the spec's own value and each that they name.
    """

    rules: tuple[int, ...]
    starts: tuple[Start, ...]
    values: Mapping[str, tuple[Option, ...]]

    @classmethod
    def of(cls, strategies: Sequence[Any], starts: Sequence[Start]) -> Self:
        """Return what strategies (``prune``, ``grow``, ``set``) and kinds of weights open."""
        rules: dict[str, int] = {}
        values: dict[str, tuple[Option, ...]] = {}
        for index, strategy in enumerate(strategies):
            # repr: parameters may be lists, which are not hashable.
            rules.setdefault(repr((strategy.prune, strategy.grow)), index)
            for key, offered in options(strategy.set).items():
                values[key] = _join(values.get(key, (None,)), offered)
        return cls(rules=tuple(rules.values()), starts=tuple(starts), values=values)

    @property
    def count(self) -> float:
        """Return the number of distinct settings; infinite where a range is open."""
        if any(isinstance(option, Range) for offered in self.values.values() for option in offered):
            return math.inf
        return len(self.rules) * len(self.starts) * math.prod(map(len, self.values.values()))

    @property
    def dimensions(self) -> int:
        """Return the number of coordinates of `at`: rule, start and one for each key."""
        return 2 + len(self.values)

    def at(self, point: Sequence[float]) -> tuple[int, Start, dict[str, Change]]:
        """Return rule, start and changes at a point of the unit cube [0, 1)^``dimensions``.

        Each coordinate picks among its options with equal probability; within a range, what is left
        of the coordinate picks the value.
        """
        rule, _ = _pick(self.rules, point[0])
        start, _ = _pick(self.starts, point[1])
        changes: dict[str, Change] = {}
        for (key, offered), coordinate in zip(self.values.items(), point[2:], strict=True):
            option, rest = _pick(offered, coordinate)
            if isinstance(option, Range):
                option = option.change(rest)
            if option is not None:
                changes[key] = option
        return rule, start, changes


def _join(known: tuple[Option, ...], offered: tuple[Change, ...] | Range) -> tuple[Option, ...]:
    added = (offered,) if isinstance(offered, Range) else offered
    return (*known, *(option for option in added if option not in known))


def _pick(offered: Sequence[Item], coordinate: float) -> tuple[Item, float]:
    """Return the option at a coordinate in [0, 1), and the position within its share."""
    scaled = coordinate * len(offered)
    # Rounding may lift the last coordinate to the number of options.
    index = min(int(scaled), len(offered) - 1)
    return offered[index], scaled - index
