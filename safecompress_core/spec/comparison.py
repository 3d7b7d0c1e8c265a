"""A comparison: one base spec, variants of it, densities and seeds; every combination is a run.

A variant says what it changes, as a spec that extends the base would: mappings merge, all else
replaces, and a method of another type replaces the whole method.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from safecompress_core.api import Density, Kind, Params
from safecompress_core.errors import SpecError
from safecompress_core.spec.comparability import other_samples
from safecompress_core.spec.components import Definitions
from safecompress_core.spec.load import LoadedSpec, in_order, validated
from safecompress_core.spec.model import Slug
from safecompress_core.spec.nodes import Node, merged
from safecompress_core.spec.overrides import overridden
from safecompress_core.spec.problems import Problem, SpecPath
from safecompress_core.spec.source import read
from safecompress_core.spec.translate import translated

__all__ = [
    "MARK",
    "Comparison",
    "ComparisonSpec",
    "Entry",
    "is_comparison",
    "load_comparison",
]

MARK = "variants"
"""The field by which a comparison is told from the spec of a run."""


class ComparisonSpec(Params):
    """Which variants of a run are held against each other."""

    version: Literal[1]
    """Version of the format."""
    name: Slug
    """What the comparison is called; lower case, with hyphens."""
    base: Annotated[str, Field(min_length=1)]
    """The spec of a run that every variant changes; relative to this file."""
    variants: Annotated[list[dict[str, Any]], Field(min_length=1)]
    """What each changes, and its ``name``; a name begins with that of its method, and is that by
    default."""
    densities: list[Density] = []
    """For every method that has a density; empty leaves each variant its own."""
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] = [0]
    """Each variant runs once with each."""
    changes: dict[str, Any] = {}
    """What every variant changes, before its own changes: the audit, say."""
    mia: str | None = None
    """The membership attacker of the audit whose accuracy is the papers' MIA accuracy; by default
    the one of them that is right most often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run of a comparison.

    Attributes:
        variant: its name.
        density: the one that the comparison asks for; None where the variant has its own, or none.
        seed: of the run.
        loaded: the run's spec.
    """

    variant: str
    density: float | None
    seed: int
    loaded: LoadedSpec

    @property
    def label(self) -> str:
        """What progress and problems call it."""
        at = "" if self.density is None else f" at density {self.density:g}"
        return f"{self.variant}{at}, seed {self.seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A comparison without problems.

    Attributes:
        spec: its values.
        entries: all runs, seed by seed, so that what runs of a seed share is there early.
    """

    spec: ComparisonSpec
    entries: tuple[Entry, ...]


def is_comparison(path: Path) -> bool:
    """Whether a file says that it compares, whatever else is wrong with it."""
    root = read(path).root
    return root is not None and root.child(MARK) is not None


def load_comparison(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> Comparison:
    """Read a comparison and validate every run of it.

    Args:
        path: the YAML file; the base spec is found relative to it.
        overrides: ``a.b=c``, applied to the comparison before validation.
        registry: what a spec may name.
        skipped: plugins that were not used; shown where a name is unknown.
        allow_code: whether specs may import code that they name: for the user to say.

    Raises:
        SpecError: with every problem found; one that several runs share is told once.
    """
    source = read(path)
    if source.root is None:
        raise SpecError(in_order(source.problems, path))
    root = overridden(source.root, overrides, source.problems)
    try:
        spec = ComparisonSpec.model_validate(root.plain())
    except ValidationError as error:
        wrong = translated(error, root=root, model=ComparisonSpec, skipped=skipped)
        raise SpecError(in_order([*source.problems, *wrong], path)) from None
    if source.problems:
        raise SpecError(in_order(source.problems, path))
    problems: list[Problem] = []
    drafts = list(_drafts(path, root, spec, registry, problems))
    entries: list[Entry] = []
    for draft in drafts:
        try:
            loaded = validated(
                draft.root,
                path=path,
                registry=registry,
                skipped=skipped,
                allow_code=allow_code,
            )
        except SpecError as error:
            problems += error.problems
            continue
        entries.append(
            Entry(variant=draft.variant, density=draft.density, seed=draft.seed, loaded=loaded)
        )
    for entry in entries:
        first = entries[0]
        problems += other_samples(entry.loaded, first.loaded, name=first.variant)
    if problems:
        raise SpecError(in_order(list(dict.fromkeys(problems)), path))
    return Comparison(spec=spec, entries=tuple(entries))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A run that is still to be validated."""

    variant: str
    density: float | None
    seed: int
    root: Node


def _drafts(
    path: Path,
    root: Node,
    spec: ComparisonSpec,
    registry: Definitions,
    problems: list[Problem],
) -> Iterator[_Draft]:
    """Every combination, seed by seed; nothing where the base or a name is wrong."""
    base = _base(path, root, spec, problems)
    if base is None:
        return
    thinning = {
        name
        for name, method in registry.definitions(Kind.METHOD).items()
        if "density" in method.params.model_fields
    }
    variants = list(_variants(base, root, problems))
    for seed, seed_node in _values(root, "seeds", spec.seeds):
        for name, whole in variants:
            seeded = _with(whole, seed_node, "seed")
            if _type(whole) not in thinning or not spec.densities:
                yield _Draft(variant=name, density=None, seed=seed, root=seeded)
                continue
            for density, node in _values(root, "densities", spec.densities):
                thin = _with(seeded, node, "method", "density")
                yield _Draft(variant=name, density=density, seed=seed, root=thin)


def _base(path: Path, root: Node, spec: ComparisonSpec, problems: list[Problem]) -> Node | None:
    """The base spec with what all variants change."""
    place = path.parent / spec.base
    if not place.is_file():
        mark = root.mark_of(("base",))
        problems.append(
            mark.problem(("base",), f"there is no file {str(place)!r}", "mend the path")
        )
        return None
    source = read(place)
    problems += source.problems
    changes = root.child("changes")
    if source.root is None or changes is None:
        return source.root
    return merged(source.root, changes)


def _variants(base: Node, root: Node, problems: list[Problem]) -> Iterator[tuple[str, Node]]:
    """The name of each variant, and its spec."""
    variants = root.child("variants")
    assert variants is not None  # the model asks for them
    assert isinstance(variants.content, tuple)
    seen: set[str] = set()
    for index, own in enumerate(variants.content):
        assert isinstance(own.content, dict)  # the model asks for mappings
        given = own.child("name")
        changes = {key: node for key, node in own.content.items() if key != "name"}
        whole = merged(base, replace(own, content=changes))
        method = _type(whole)
        name = str(given.content) if given else method
        spot: SpecPath = ("variants", index, *(("name",) if given else ()))
        if name in seen:
            message, mend = f"two variants are called {name!r}", "give one of them another 'name'"
            problems.append(root.mark_of(spot).problem(spot, message, mend))
        elif not name.startswith(method):
            message = f"the name {name!r} does not begin with that of the method"
            problems.append(
                root.mark_of(spot).problem(spot, message, f"write '{method}-{name}', say")
            )
        seen.add(name)
        yield name, _with(whole, given or replace(own, content=name), "name")


def _type(whole: Node) -> str:
    """What a spec's method is; empty where it says nothing, which validation will tell."""
    method = whole.child("method")
    kind = method.child("type") if method else None
    return str(kind.content) if kind else ""


def _values(root: Node, field: str, values: Sequence[Any]) -> list[tuple[Any, Node]]:
    """The values of a list with the place of each; of a default the top of the file."""
    listed = root.child(field)
    nodes = [(listed.child(index) if listed else None) or root for index in range(len(values))]
    return [
        (value, replace(node, content=value, key=None))
        for value, node in zip(values, nodes, strict=True)
    ]


def _with(node: Node, value: Node, *steps: str) -> Node:
    """A mapping with ``value`` at the end of a path that it has but for the last step."""
    if not steps:
        return value
    assert isinstance(node.content, Mapping)
    below = node.content.get(steps[0], node)
    return replace(node, content={**node.content, steps[0]: _with(below, value, *steps[1:])})
