"""A comparison: one base spec, variants of it, densities and seeds; every combination is a run.

A variant says what it changes, as a spec that extends the base would: mappings merge, all else
replaces, and a method of another type replaces the whole method.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from safecompress_core.api import Density, DensityParams, Kind, Params, Seed, component_id
from safecompress_core.errors import SpecError
from safecompress_core.problems import Problem
from safecompress_core.specfile.checks.comparability import other_samples
from safecompress_core.specfile.checks.kinds import SpecKind, wrong_command_problem
from safecompress_core.specfile.load import (
    Composed,
    LoadedSpec,
    compose_spec,
    in_order,
    validate_spec,
)
from safecompress_core.specfile.models.components import Definitions, game_of
from safecompress_core.specfile.models.run_spec import Slug
from safecompress_core.specfile.names import offer
from safecompress_core.specfile.problems import LocatedProblem, SpecPath, shorten
from safecompress_core.specfile.translate import translate_errors
from safecompress_core.specfile.yaml.composer import MAX_VALUES, Budget
from safecompress_core.specfile.yaml.nodes import Node, merge
from safecompress_core.specfile.yaml.source import read

__all__ = [
    "Comparison",
    "ComparisonRun",
    "ComparisonSpec",
    "load_comparison",
]

MIA_GAME = "membership"
"""The game of the attacker that ``mia`` names."""

MAX_RUNS = 2000
"""Runs that a comparison may have."""
MAX_SPECS = 200
"""Variants times densities of it, each of which is validated."""
MAX_COMPARED = 2 * MAX_VALUES
"""Values of all these together."""


class ComparisonSpec(Params):
    """Variants of a run that are compared."""

    version: Literal[1]
    """Version of the format."""
    name: Slug
    """What the comparison is called; lower case, with hyphens."""
    base: Annotated[str, Field(min_length=1)]
    """The spec of a run that every variant changes; relative to this file."""
    variants: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_SPECS)]
    """What each changes, and its ``name``; a name begins with that of its method, and is that by
    default."""
    densities: list[Density] = []
    """For every method that has a density; empty leaves each variant its own."""
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0]
    """Each variant runs once with each."""
    changes: dict[str, Any] = {}
    """What every variant changes, before its own changes: the audit, say."""
    mia: str | None = None
    """The membership attacker of the audit whose accuracy is the papers' MIA accuracy; by default
    the one of them that is right most often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRun:
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
        """Return the label of a run in progress and problems."""
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
    entries: tuple[ComparisonRun, ...]


def load_comparison(
    path: Path | Composed,
    *,
    overrides: Sequence[str] = (),
    registry: Definitions,
    skipped: Sequence[object] = (),
    allow_code: bool = False,
) -> Comparison:
    """Read a comparison and validate every run of it.

    Runs that differ by their seeds alone are validated once.

    Args:
        path: the YAML file, or what was read of it; the base spec is found relative to it.
        overrides: ``a.b=c``, applied to the comparison before validation.
        registry: what a spec may name.
        skipped: plugins that were not used; shown where a name is unknown.
        allow_code: whether specs may import code that they name: for the user to say.

    Raises:
        SpecError: with every problem found; one that several runs share is reported once.
    """
    composed = path if isinstance(path, Composed) else compose_spec(path, overrides)
    composed.require(SpecKind.COMPARE)
    path, root = composed.path, composed.root
    try:
        spec = ComparisonSpec.model_validate(root.plain())
    except ValidationError as error:
        # Problems of the text are kept: they may explain those of the model.
        wrong = translate_errors(error, root=root, model=ComparisonSpec, skipped=skipped)
        raise SpecError(in_order([*composed.problems, *wrong], path)) from None
    problems = [*composed.problems, *(root.locate(one) for one in _excess(spec))]
    if problems:
        raise SpecError(in_order(problems, path))
    # Validated with the first seed alone: no other value depends on the seed.
    first, *others = _values(root, "seeds", spec.seeds)
    drafts = list(_drafts(path, root, spec, registry, problems))
    entries: list[ComparisonRun] = []
    for draft in drafts:
        try:
            loaded = validate_spec(
                _with(draft.root, first[1], "seed"),
                path=path,
                registry=registry,
                skipped=skipped,
                allow_code=allow_code,
            )
        except SpecError as error:
            problems += error.problems
            # Continue, so that all variants' problems are reported at once.
            continue
        entries.append(
            ComparisonRun(
                variant=draft.variant, density=draft.density, seed=first[0], loaded=loaded
            )
        )
    # All are compared with the first; comparability is transitive.
    for entry in entries:
        problems += other_samples(entry.loaded, entries[0].loaded, name=entries[0].variant)
    problems += [root.locate(one) for one in _find_unused(spec, entries)]
    if problems:
        # Several runs may report the same problem of the base.
        raise SpecError(in_order(list(dict.fromkeys(problems)), path))
    # Seeds vary slowest, so that every variant has a first result early.
    reseeded = [_with_seed(entry, seed, node) for seed, node in others for entry in entries]
    return Comparison(spec=spec, entries=(*entries, *reseeded))


def _excess(spec: ComparisonSpec) -> Iterator[Problem]:
    """Return repeated combinations, and runs above the limit."""
    for field, values in (("seeds", spec.seeds), ("densities", spec.densities)):
        seen = set()
        for index, value in enumerate(values):
            if value in seen:
                message = f"{value:g} is given twice, and a run is done once"
                yield Problem((field, index), message, "keep one of them")
            seen.add(value)
    # Without densities each variant counts once.
    specs = len(spec.variants) * max(1, len(spec.densities))
    if specs > MAX_SPECS:
        message = f"there are {specs} variants times densities, and at most {MAX_SPECS} may be"
        yield Problem(("variants",), message, "make several comparisons")
    elif specs * len(spec.seeds) > MAX_RUNS:
        message = f"this makes {specs * len(spec.seeds)} runs, and at most {MAX_RUNS} may be"
        yield Problem(("seeds",), message, "write fewer seeds, or make several comparisons")


def _find_unused(spec: ComparisonSpec, entries: Sequence[ComparisonRun]) -> Iterator[Problem]:
    """Return the requested figures that none of the runs has."""
    if not entries:
        return
    if spec.densities and all(entry.density is None for entry in entries):
        message = "no variant has a method with a density"
        yield Problem(("densities",), message, "take the densities out, or add such a variant")
    attackers = {
        component_id(attacker): game_of(attacker).name
        for entry in entries
        for attacker in entry.loaded.spec.audit.attackers
    }
    names = [name for name, game in attackers.items() if game == MIA_GAME]
    if spec.mia is not None and spec.mia not in names:
        message = f"no membership attacker of the audit is called {shorten(spec.mia)!r}"
        yield Problem(("mia",), message, offer(spec.mia, names))


def _with_seed(entry: ComparisonRun, seed: int, node: Node) -> ComparisonRun:
    """The same run with another seed, which no other value depends on."""
    loaded = replace(
        entry.loaded,
        # model_copy skips validation, which the seed has passed as a field of its own.
        spec=entry.loaded.spec.model_copy(update={"seed": seed}),
        resolved={**entry.loaded.resolved, "seed": seed},
        root=_with(entry.loaded.root, node, "seed"),
    )
    return replace(entry, seed=seed, loaded=loaded)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A run that is still to be validated, and has no seed yet."""

    variant: str
    density: float | None
    root: Node


def _drafts(
    path: Path,
    root: Node,
    spec: ComparisonSpec,
    registry: Definitions,
    problems: list[LocatedProblem],
) -> Iterator[_Draft]:
    """Every variant at every density; nothing where the base or a name is wrong."""
    base = _base(path, root, spec, problems)
    if base is None:
        return
    thinning = {
        name
        for name, method in registry.definitions(Kind.METHOD).items()
        if issubclass(method.params, DensityParams)
    }
    # A budget over all variants, since each copies the whole base.
    budget = Budget(MAX_COMPARED)
    # list(): names are checked completely before the first draft is validated.
    for name, whole in list(_variants(base, root, problems)):
        is_thinned = _type(whole) in thinning and spec.densities
        # Each density copies the variant once more.
        budget.values -= whole.size() * (len(spec.densities) if is_thinned else 1)
        if budget.values < 0:
            message = f"all variants together have more than {MAX_COMPARED:,} values"
            mark = root.mark_of(("variants",), key=True)
            problems.append(mark.problem(("variants",), message, "make several comparisons"))
            return
        if not is_thinned:
            yield _Draft(variant=name, density=None, root=whole)
            continue
        for density, node in _values(root, "densities", spec.densities):
            # The node keeps its own position, so that a problem points into the list of densities.
            thin = _with(whole, node, "method", "density")
            yield _Draft(variant=name, density=density, root=thin)


def _base(
    path: Path, root: Node, spec: ComparisonSpec, problems: list[LocatedProblem]
) -> Node | None:
    """The base spec with what all variants change."""
    mark = root.mark_of(("base",))
    # Relative to this file, like `extends`.
    source = read(path.parent / spec.base, named_at=mark, field_path=("base",))
    problems += source.problems
    other = source.root and wrong_command_problem(source.root, SpecKind.RUN)
    if other:
        message = "the base is not the spec of a run, which variants change"
        problems.append(mark.problem(("base",), message, f"{other.file}: {other.message}"))
        return None
    changes = root.child("changes")
    if source.root is None or changes is None:
        return source.root
    # Changes of the comparison, then those of a variant: the later wins.
    return merge(source.root, changes)


def _variants(base: Node, root: Node, problems: list[LocatedProblem]) -> Iterator[tuple[str, Node]]:
    """The name of each variant, and its spec."""
    variants = root.child("variants")
    assert variants is not None  # the model asks for them
    assert isinstance(variants.content, tuple)
    seen: set[str] = set()
    for index, variant in enumerate(variants.content):
        assert isinstance(variant.content, dict)  # the model asks for mappings
        given = variant.child("name")
        changes = {key: node for key, node in variant.content.items() if key != "name"}
        whole = merge(base, replace(variant, content=changes))
        method = _type(whole)
        name = str(given.content) if given else method
        spot: SpecPath = ("variants", index, *(("name",) if given else ()))
        if name in seen:
            message, hint = f"two variants are called {name!r}", "give one of them another 'name'"
            problems.append(root.mark_of(spot).problem(spot, message, hint))
        # A name begins with its method's, so that tables show the method.
        elif not name.startswith(method):
            message = f"the name {name!r} does not begin with that of the method"
            problems.append(
                root.mark_of(spot).problem(spot, message, f"write '{method}-{name}', say")
            )
        seen.add(name)
        yield name, _with(whole, given or replace(variant, content=name), "name")


def _type(whole: Node) -> str:
    """Return the type of a spec's method; empty without one, which validation reports."""
    method = whole.child("method")
    kind = method.child("type") if method else None
    # Empty rather than an error: validation reports the missing method with its position.
    return str(kind.content) if kind else ""


def _values(root: Node, field: str, values: Sequence[Any]) -> list[tuple[Any, Node]]:
    """The values of a list with the place of each; of a default the top of the file."""
    listed = root.child(field)
    nodes = [(listed.child(index) if listed else None) or root for index in range(len(values))]
    return [
        # No key mark: the value stands in a list, not behind a field's name.
        (value, replace(node, content=value, key=None))
        for value, node in zip(values, nodes, strict=True)
    ]


def _with(node: Node, value: Node, *steps: str) -> Node:
    """A mapping with ``value`` at the end of a path that it has but for the last step."""
    if not steps:
        return value
    assert isinstance(node.content, Mapping)
    # A missing last step gets the place of its parent.
    below = node.content.get(steps[0], node)
    return replace(node, content={**node.content, steps[0]: _with(below, value, *steps[1:])})
