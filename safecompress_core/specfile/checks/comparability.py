"""Comparability of two runs: the same samples, judged by their specs."""

from collections.abc import Iterator, Mapping
from typing import Any

from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.problems import LocatedProblem, SpecPath

__all__ = ["other_samples"]

SECTIONS: tuple[SpecPath, ...] = (("task", "data"), ("pools",))
"""What decides which samples there are, and who knows them."""


def other_samples(own: LoadedSpec, other: LoadedSpec, *, name: str) -> Iterator[LocatedProblem]:
    """A problem of ``own`` for each field by which it has other data or pools than ``other``.

    Args:
        own: a run of a comparison.
        other: the one that it is compared with.
        name: what the comparison calls the other's variant.
    """
    for section in SECTIONS:
        for path, here, there in _unlike(own.resolved, other.resolved, section):
            message = (
                f"{here!r} here, and {there!r} for {name!r}: runs on other data or pools cannot be "
                "compared"
            )
            yield own.problem(path, message, "write it under 'changes', for all variants alike")


def _unlike(
    section_values: Mapping[str, Any], other: Mapping[str, Any], section: SpecPath
) -> Iterator[tuple[SpecPath, Any, Any]]:
    """The fields of a section with other values, each with both of them."""
    here: Any = section_values
    there: Any = other
    for step in section:
        here, there = here[step], there[step]
    yield from _fields(section, here, there)


def _fields(path: SpecPath, here: Any, there: Any) -> Iterator[tuple[SpecPath, Any, Any]]:
    """Down to single values; of components with other types, the types alone."""
    # Equal parts are skipped without descending.
    if here == there:
        return
    if not (isinstance(here, Mapping) and isinstance(there, Mapping)):
        yield path, here, there
    # Parameters of different components cannot be compared field by field.
    elif here.get("type") != there.get("type"):
        yield (*path, "type"), here.get("type"), there.get("type")
    else:
        # Both are resolved, so they have the same keys.
        for key in here:
            yield from _fields((*path, key), here[key], there.get(key))
