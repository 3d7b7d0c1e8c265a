"""A comparison: a base spec, variants, densities, budgets and seeds; every combination is a run.

A variant says what it changes, as a spec that extends the base would: mappings merge, all else
replaces, and a method of another type replaces the whole method.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from safecompress_core.api import (
    DensityParams,
    Kind,
    MethodDef,
    component_id,
)
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
from safecompress_core.specfile.models.comparison_spec import (
    ComparisonSpec,
    find_excess,
    find_own_budgets,
)
from safecompress_core.specfile.models.components import Definitions, game_of
from safecompress_core.specfile.names import offer
from safecompress_core.specfile.problems import LocatedProblem, SpecPath, shorten
from safecompress_core.specfile.translate import translate_errors
from safecompress_core.specfile.yaml.composer import MAX_VALUES, Budget
from safecompress_core.specfile.yaml.nodes import Node, merge
from safecompress_core.specfile.yaml.source import read

__all__ = [
    "Comparison",
    "ComparisonRun",
    "load_comparison",
]

MIA_GAME = "membership"
"""The game of the attacker that ``mia`` names."""

MAX_COMPARED = 2 * MAX_VALUES
"""Values of all variants together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRun:
    """One run of a comparison.

    Attributes:
        variant: its name.
        density: the one that the comparison asks for; None where the variant has its own, or none.
        budget: likewise, in trainings of one model.
        seed: of the run.
        loaded: the run's spec.
    """

    variant: str
    density: float | None
    budget: float | None
    seed: int
    loaded: LoadedSpec

    @property
    def label(self) -> str:
        """Return the label of a run in progress and problems."""
        asked = (("density", self.density), ("budget", self.budget))
        parts = [f"{name} {value:g}" for name, value in asked if value is not None]
        at = f" at {' and '.join(parts)}" if parts else ""
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
    wrong_values = (*find_excess(spec), *find_own_budgets(spec))
    problems = [*composed.problems, *(root.locate(one) for one in wrong_values)]
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
                variant=draft.variant,
                density=draft.density,
                budget=draft.budget,
                seed=first[0],
                loaded=loaded,
            )
        )
    # All are compared with the first; comparability is transitive.
    for entry in entries:
        problems += other_samples(entry.loaded, entries[0].loaded, name=entries[0].variant)
    problems += [root.locate(one) for one in _find_unused(spec, drafts, entries)]
    if problems:
        # Several runs may report the same problem of the base.
        raise SpecError(in_order(list(dict.fromkeys(problems)), path))
    # Seeds vary slowest, so that every variant has a first result early.
    reseeded = [_with_seed(entry, seed, node) for seed, node in others for entry in entries]
    return Comparison(spec=spec, entries=(*entries, *reseeded))


def _find_unused(
    spec: ComparisonSpec, drafts: Sequence["_Draft"], entries: Sequence[ComparisonRun]
) -> Iterator[Problem]:
    """Return the requested figures that none of the runs has."""
    if not entries:
        return
    if spec.densities and all(draft.density is None for draft in drafts):
        message = "no variant has a method with a density"
        yield Problem(("densities",), message, "take the densities out, or add such a variant")
    if spec.budgets and all(draft.budget is None for draft in drafts):
        message = "no variant has a method with a budget, or each says its cost otherwise"
        yield Problem(("budgets",), message, "take the budgets out, or add such a variant")
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
    budget: float | None
    root: Node


def _drafts(
    path: Path,
    root: Node,
    spec: ComparisonSpec,
    registry: Definitions,
    problems: list[LocatedProblem],
) -> Iterator[_Draft]:
    """Every variant at every density and budget; nothing where the base or a name is wrong."""
    base = _base(path, root, spec, problems)
    if base is None:
        return
    methods = registry.definitions(Kind.METHOD)
    # A budget over all variants, since each copies the whole base.
    copies = Budget(MAX_COMPARED)
    # list(): names are checked completely before the first draft is validated.
    for name, whole in list(_variants(base, root, problems)):
        definition = methods.get(_type(whole))
        asked: list[list[tuple[float | None, Node]]] = [[(None, whole)], [(None, whole)]]
        if isinstance(definition, MethodDef):
            has_density = issubclass(definition.params, DensityParams)
            if spec.densities and has_density:
                asked[0] = _values(root, "densities", spec.densities)
            if spec.budgets and _takes_budget(definition, whole):
                asked[1] = _values(root, "budgets", spec.budgets)
        combinations = list(product(*asked))
        # Each combination copies the variant once more.
        copies.values -= whole.size() * len(combinations)
        if copies.values < 0:
            message = f"all variants together have more than {MAX_COMPARED:,} values"
            mark = root.mark_of(("variants",), key=True)
            problems.append(mark.problem(("variants",), message, "make several comparisons"))
            return
        for (density, density_node), (budget, budget_node) in combinations:
            draft = whole
            # The nodes keep their own position, so that a problem points into the list.
            if density is not None:
                draft = _with(draft, density_node, "method", "density")
            if budget is not None:
                draft = _with(draft, budget_node, "method", "budget")
            yield _Draft(variant=name, density=density, budget=budget, root=draft)


def _takes_budget(definition: MethodDef, whole: Node) -> bool:
    """Return whether a method has a budget, and its parameters do not fix the cost otherwise."""
    if "budget" not in definition.params.model_fields:
        return False
    method = whole.child("method")
    given = [method.child(field) for field in definition.cost_fields] if method else []
    return all(field is None or field.content is None for field in given)


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
