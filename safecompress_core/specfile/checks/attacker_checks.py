"""Checks of a spec's attackers: they must fit each other, their phase and the run.

An attacker that is made of others is looked into: what holds for an attacker holds for a part.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from safecompress_core.api import (
    AttackerParams,
    AttackNamesMark,
    CombinedAttackerDef,
    CombinedAttackerParams,
    Need,
    Params,
    attribute_of,
    component_id,
)
from safecompress_core.problems import Problem
from safecompress_core.specfile.fields import find_marked
from safecompress_core.specfile.models.components import attacker_of, definition_of, game_of
from safecompress_core.specfile.models.run_spec import RunSpec
from safecompress_core.specfile.names import offer
from safecompress_core.specfile.problems import SpecPath

__all__ = [
    "auditing_selectors",
    "check_attackers",
    "check_combined",
    "each_base_attacker",
    "refuse_twins",
]

# Read from the field, so that the check cannot miss a changed default.
WEIGHT: float = AttackerParams.model_fields["weight"].default

LISTS: Mapping[str, SpecPath] = {"select": ("attackers",), "audit": ("audit", "attackers")}


def each_base_attacker(
    attackers: Iterable[Params], path: SpecPath
) -> Iterator[tuple[SpecPath, AttackerParams]]:
    """Every attacker of a list that is made of nothing, with its path: also those within others."""
    for index, attacker in enumerate(attackers):
        assert isinstance(attacker, AttackerParams)  # the slot takes no others
        # A combined attacker is replaced by its parts, at whose paths problems are reported.
        if isinstance(definition_of(attacker), CombinedAttackerDef):
            parts = _parts(attacker)
            yield from each_base_attacker(parts, (*path, index, "attackers"))
        else:
            yield (*path, index), attacker


def check_attackers(spec: RunSpec) -> Iterator[Problem]:
    """Everything that is wrong with the attackers next to their ids and weights."""
    yield from check_combined(spec.attackers, LISTS["select"])
    yield from check_combined(spec.audit.attackers, LISTS["audit"])
    yield from _check_selecting(spec)
    yield from _check_named(spec)
    yield from _check_twins(spec)
    yield from _check_versions(spec)
    yield from refuse_twins(spec.audit.attackers, LISTS["audit"])
    yield from _check_audit(spec)


def refuse_twins(attackers: Iterable[Params], path: SpecPath) -> Iterator[Problem]:
    """Refuse attackers of an audit that compare with a swap twin, which no adversary can train."""
    for place, attacker in each_base_attacker(attackers, path):
        if Need.TWIN in attacker_of(attacker).needs:
            message = (
                f"{component_id(attacker)!r} compares with a swap twin, which only the owner of "
                "the data can train; no adversary can"
            )
            hint = "move it to attackers, and audit with an attacker such as rmia"
            yield Problem((*place, "type"), message, hint)


def check_combined(attackers: Iterable[Params], path: SpecPath) -> Iterator[Problem]:
    """Return the problems of attackers that are made of others."""
    for index, attacker in enumerate(attackers):
        if isinstance(definition_of(attacker), CombinedAttackerDef):
            yield from _check_parts(_parts(attacker), (*path, index, "attackers"))


def auditing_selectors(spec: RunSpec) -> dict[str, str]:
    """By id in the audit, the id under which the same attacker selects.

    The same is who has the same type and parameters; the type with others is another attacker. One
    that is made of others is the same as soon as one of its parts is; the id is then the part's.
    """
    selecting = _selecting(spec)
    selectors = {}
    for attacker in spec.audit.attackers:
        # Parts count as well: an attacker may select alone and audit within a combination.
        same = [
            selecting[identity]
            for _, alone in each_base_attacker([attacker], ())
            for identity in (_identity(alone),)
            if identity in selecting
        ]
        if same:
            selectors[component_id(attacker)] = same[0]
    return selectors


def _parts(attacker: Params) -> list[AttackerParams]:
    assert isinstance(attacker, CombinedAttackerParams)  # or the host would have refused it
    return attacker.attackers


def _check_parts(parts: list[AttackerParams], path: SpecPath) -> Iterator[Problem]:
    """They are of one game, after the same, made of nothing, and count as much as each other."""
    first = game_of(parts[0]).name
    sought = attribute_of(parts[0])
    for index, part in enumerate(parts):
        name, game = component_id(part), game_of(part)
        if isinstance(definition_of(part), CombinedAttackerDef):
            message = f"{name!r} is made of other attackers, and cannot be a part of one itself"
            yield Problem((*path, index, "type"), message, "write its attackers here instead")
        elif not game.scores_samples:
            message = f"{name!r} plays {game.name!r}, where attackers cannot be combined"
            hint = "take attackers on membership or on one attribute"
            yield Problem((*path, index, "type"), message, hint)
        elif game.name != first:
            message = (
                f"{name!r} plays {game.name!r}, and {component_id(parts[0])!r} plays {first!r}"
            )
            yield Problem((*path, index, "type"), message, "make two attackers of them")
        elif attribute_of(part) != sought:
            message = f"{name!r} is after another attribute than {component_id(parts[0])!r}"
            hint = f"write {sought!r}, or make two attackers of them"
            yield Problem((*path, index, "attribute"), message, hint)
        # Compared with the default rather than with None, since a resolved spec writes it out.
        if part.weight != WEIGHT:  # a resolved spec writes it out
            message = f"{name!r} is a part of an attacker, and only the whole has a weight"
            yield Problem((*path, index, "weight"), message, "leave it out")


def _check_selecting(spec: RunSpec) -> Iterator[Problem]:
    """Report needs of an attacker that no candidate can satisfy.

    Reference models of every candidate would cost more than all candidates together, and a
    reference model re-runs the selection, where it has no other models next to it. Candidates are
    compared on the same samples or units.
    """
    hint = "move it to audit.attackers"
    for path, attacker in each_base_attacker(spec.attackers, LISTS["select"]):
        name, definition = component_id(attacker), attacker_of(attacker)
        where = (*path, "type")
        if Need.REFERENCES in definition.needs:
            message = f"{name!r} compares with reference models, which only the audit trains"
            yield Problem(where, message, hint)
        if Need.UNCOMPRESSED in definition.needs:
            message = f"{name!r} also sees the uncompressed model, which only the audit shows it"
            yield Problem(where, message, hint)
        # Either of the two, not both: one move to the audit solves both problems.
        elif Need.VERSIONS in definition.needs:
            message = f"{name!r} also sees other versions of the model, which only the audit has"
            yield Problem(where, message, hint)
        if Need.TWIN in definition.needs and _tests_models(spec) and not _trains_twins(spec):
            method = definition_of(spec.method)
            message = f"{name!r} compares with a swap twin, and {method.name!r} trains none"
            hint_of_twin = "write method.twins: true" if method.has_twins else "take it out"
            yield Problem(where, message, hint_of_twin)
        if not game_of(attacker).compares_candidates:
            game = game_of(attacker).name
            message = f"{name!r} plays {game!r}, by which candidates are not compared"
            yield Problem(where, message, hint)


def _check_named(spec: RunSpec) -> Iterator[Problem]:
    """A mapping by attack names games and attackers that select."""
    games = {game_of(attacker).name for attacker in spec.attackers}
    names = [*sorted(games), *map(component_id, spec.attackers)]
    judging = {component_id(attacker) for attacker in spec.audit.attackers}
    for path, by_attack in find_marked(spec, AttackNamesMark):
        for name in by_attack:
            if name in names:
                continue
            message = f"no game or attacker of selection is called {name!r}"
            hint = offer(name, names, none="there are no attackers; add some")
            if name in judging:
                hint = f"it audits only; {hint}"
            yield Problem((*path, name), message, hint, at_key=True)


def _check_twins(spec: RunSpec) -> Iterator[Problem]:
    """Require an attacker that compares with the twins that the method trains."""
    needs = [attacker_of(attacker).needs for _, attacker in each_base_attacker(spec.attackers, ())]
    if _trains_twins(spec) and not any(Need.TWIN in each for each in needs):
        message = "the method trains a swap twin of each model, and no attacker compares with it"
        hint = "add {type: counterfactual} to attackers, or write method.twins: false"
        yield Problem(("attackers",), message, hint)


def _tests_models(spec: RunSpec) -> bool:
    """Return whether the method may attack models while it compresses; most attack none."""
    workload = definition_of(spec.method).workload
    return workload is None or workload(spec.method, spec.training.epochs).tests > 0


def _trains_twins(spec: RunSpec) -> bool:
    # A field of the method's own: only such methods have it.
    return definition_of(spec.method).has_twins and bool(spec.method.twins)  # type: ignore[attr-defined]


def _check_versions(spec: RunSpec) -> Iterator[Problem]:
    """Require a run that leaves several versions of a model, for attackers that compare them."""
    for path, attacker in each_base_attacker(spec.audit.attackers, LISTS["audit"]):
        if Need.VERSIONS not in attacker_of(attacker).needs:
            continue
        name, method = component_id(attacker), definition_of(spec.method)
        # A method without a workload does not say how many versions it makes; it is not refused.
        if method.workload is not None:
            workload = method.workload(spec.method, spec.training.epochs)
            if not workload.candidates:
                message = (
                    f"{name!r} sees several compressed versions, and {method.name!r} makes one"
                )
                hint = "take it out, or use a method with rounds"
                yield Problem((*path, "type"), message, hint)
                continue
        if spec.audit.front == "chosen":
            message = f"{name!r} sees several compressed versions, and the audit keeps one"
            yield Problem((*path, "type"), message, "write audit.front: ends, or all")


def _check_audit(spec: RunSpec) -> Iterator[Problem]:
    """Warn of audits by selecting attackers, which read too low: the best of many is chosen."""
    # The user has read the warning and decided.
    if spec.audit.allow_selectors:
        return
    selecting = _selecting(spec)
    for path, attacker in each_base_attacker(spec.audit.attackers, LISTS["audit"]):
        name = selecting.get(_identity(attacker))
        if name is not None:
            yield Problem(
                path,
                f"this is the attacker {name!r} that selects, whose figures read too low here",
                "audit with another one, or write 'allow_selectors: true'",
            )


def _selecting(spec: RunSpec) -> dict[str, str]:
    """By what it is, the id of each attacker that selects; the first of equal ones."""
    selecting: dict[str, str] = {}
    for _, attacker in each_base_attacker(spec.attackers, LISTS["select"]):
        selecting.setdefault(_identity(attacker), component_id(attacker))
    return selecting


def _identity(attacker: Params) -> str:
    """Type and parameters, whatever it is called and however much it counts."""
    # Without id and weight: neither changes what the attacker computes.
    content: dict[str, Any] = attacker.model_dump(mode="json", exclude={"id", "weight"})
    # repr of sorted items: parameters may be lists, which are not hashable.
    return repr(sorted(content.items()))
