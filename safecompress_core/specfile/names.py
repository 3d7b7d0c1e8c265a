"""Suggestions in messages about unknown names."""

import difflib
from collections.abc import Iterable

__all__ = ["list_names", "nearest", "offer"]

CLEAR = 0.15
"""How much less alike a second name is when the first is meant without doubt."""


def _likeness(name: str, other: str) -> float:
    return difflib.SequenceMatcher(None, name, other).ratio()


def nearest(name: str, names: Iterable[str]) -> str:
    """A question that offers the nearest names; empty if none is near."""
    near = difflib.get_close_matches(name, list(names), n=2)
    # A clear winner is offered alone; a second choice would only confuse.
    if len(near) == 2 and _likeness(near[1], name) < _likeness(near[0], name) - CLEAR:
        near = near[:1]
    return f"did you mean {' or '.join(map(repr, near))}?" if near else ""


def list_names(names: Iterable[str], *, none: str = "there are none") -> str:
    """All names, in their order."""
    text = ", ".join(names)
    return f"there are: {text}" if text else none


def offer(name: str, names: Iterable[str], *, none: str = "there are none") -> str:
    """The nearest names, or all of them if none is near."""
    names = list(names)
    # All names only if none is near: lists may be long.
    return nearest(name, names) or list_names(names, none=none)
