"""Spellings of a value: ``1``, ``1.0`` and ``True`` are one label, however a file writes it."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

__all__ = ["by_value", "spellings_unified"]

NUMERAL = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d*)?([eE][+-]?\d{1,3})?", re.ASCII)
"""A number; leading zeros are the mark of a code, and ``007`` is not ``7``."""
TRUTHS = {"true": Decimal(1), "false": Decimal(0)}
"""Booleans by their names in lower case."""
MOST_SHOWN = 5


def by_value(names: Iterable[str]) -> dict[str, str]:
    """Return for each spelling the one that all spellings of its value share.

    Numbers are equal by value. ``true`` and ``false`` are equal in any case, and equal to 1 and 0
    if no other number is among the names. Blanks around a name are no part of it. Of several
    spellings the shortest counts, of equally long ones the first in alphabetical order, so the
    result does not depend on the order or the frequency of the names.
    """
    # Shortest first, so that '1' represents '1.0' and 'True'.
    distinct = sorted(set(names), key=lambda name: (len(name.strip()), name.strip(), name))
    # Decimal: floats would merge large numbers that differ in the last digit.
    numbers = {name: Decimal(name.strip()) for name in distinct if NUMERAL.fullmatch(name.strip())}
    # 'true' is 1 only in a column of flags; next to '7' it is a word.
    are_flags = set(numbers.values()) <= set(TRUTHS.values())
    shortest: dict[Decimal | str, str] = {}
    shared = {}
    for name in distinct:
        text = name.strip()
        value: Decimal | str = numbers.get(name, text)
        if text.lower() in TRUTHS:
            value = TRUTHS[text.lower()] if are_flags else text.lower()
        # setdefault: the first spelling of a value, which is the shortest, represents it.
        shared[name] = shortest.setdefault(value, text)
    return shared


def spellings_unified(shared: Mapping[str, str]) -> str:
    """Return which spellings count as one value, in words; empty where each value has one."""
    groups: dict[str, list[str]] = {}
    for spelling, name in shared.items():
        groups.setdefault(name, []).append(spelling)
    # Sorted, since the order of spellings in a file is arbitrary.
    several = [" = ".join(map(repr, sorted(group))) for group in groups.values() if len(group) > 1]
    more = f" and {len(several) - MOST_SHOWN} more" if len(several) > MOST_SHOWN else ""
    return ", ".join(several[:MOST_SHOWN]) + more
