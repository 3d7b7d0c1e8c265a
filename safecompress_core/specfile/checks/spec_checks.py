"""Checks across fields: the parts of a valid spec must fit each other."""

import math
import re
from collections.abc import Callable, Collection, Iterator, Sequence

from safecompress_core.api import (
    AttributeMark,
    CombinedAttackerParams,
    DataCard,
    GameDef,
    NamedParams,
    Need,
    Params,
    component_id,
)
from safecompress_core.problems import Problem
from safecompress_core.specfile.checks.attacker_checks import auditing_selectors, check_attackers
from safecompress_core.specfile.checks.change_checks import check_changes
from safecompress_core.specfile.checks.gate_checks import (
    check_bounds,
    check_contradictions,
    check_densities,
)
from safecompress_core.specfile.checks.measure_checks import check_measures
from safecompress_core.specfile.fields import find_marked
from safecompress_core.specfile.models.audit_spec import AuditSpec
from safecompress_core.specfile.models.components import definition_of, game_of
from safecompress_core.specfile.models.run_spec import SLUG, RunSpec
from safecompress_core.specfile.names import offer
from safecompress_core.specfile.outside import check_paths
from safecompress_core.specfile.problems import SpecPath

__all__ = [
    "MODEL_MEASURES",
    "AnySpec",
    "auditing_selectors",
    "check",
    "check_against_card",
    "check_gate",
    "check_names",
    "gate_measures",
    "reserved_names",
]

AnySpec = RunSpec | AuditSpec

MODEL_MEASURES = ("model.density", "model.file_bytes")
"""What a gate may ask of the model file."""


def check(spec: RunSpec, games: Collection[str]) -> Iterator[Problem]:
    """Everything in a spec that does not fit the rest of it, or the data's card.

    Args:
        spec: of a run.
        games: the names of all that are registered.
    """
    for check_part in _CHECKS:
        yield from check_part(spec)
    yield from check_gate(spec, games)
    yield from check_changes(spec)
    yield from check_paths(spec)
    yield from check_against_card(spec)


def gate_measures(spec: AnySpec) -> dict[str, bool]:
    """Every measure that a gate of this spec may name, and whether a higher value is better."""
    metrics = {
        component_id(metric): definition_of(metric).higher_is_better for metric in spec.metrics
    }
    attacks = {
        f"{owner}.{measure.name}": measure.higher == "safer"
        for owner, game in _games_by_owner(spec).items()
        for measure in game.measures
        if measure.has_gates
    }
    # Density and size: a smaller model is the aim.
    return {**metrics, **dict.fromkeys(MODEL_MEASURES, False), **attacks}


def _games_by_owner(spec: AnySpec) -> dict[str, GameDef]:
    """The game by each name that may stand before a measure: of a game, or of an attacker."""
    owners: dict[str, GameDef] = {}
    for attacker in spec.audit.attackers:
        game = game_of(attacker)
        # Both names in one mapping: a gate may use either.
        owners |= {game.name: game, component_id(attacker): game}
    return owners


def _check_pools(spec: RunSpec) -> Iterator[Problem]:
    total = spec.pools.attack_train + spec.pools.select + spec.pools.audit
    # Decimal fractions need not sum to exactly 1.
    if not math.isclose(total, 1, abs_tol=1e-9):
        message = f"attack_train, select and audit sum to {total:g}"
        yield Problem(("pools",), message, "write shares that sum to 1; the defaults are .4 .3 .3")


def _check_ids(spec: RunSpec) -> Iterator[Problem]:
    taken = reserved_names([*spec.attackers, *spec.audit.attackers])
    yield from check_names(("attackers",), spec.attackers, taken)
    yield from check_names(("audit", "attackers"), spec.audit.attackers, taken)
    yield from check_names(("method", "defences"), spec.method.defences, taken)
    yield from check_names(("metrics",), spec.metrics, taken)


def reserved_names(attackers: Sequence[Params]) -> set[str]:
    """Return the names that components must not have, since results and gates use them."""
    # 'model' is the owner of model.density and model.file_bytes.
    return {"model", *(game_of(attacker).name for attacker in attackers)}


def check_names(
    path: SpecPath, components: Sequence[Params], taken: Collection[str]
) -> Iterator[Problem]:
    """The components of a list, and the parts of each, have names that results can use.

    Args:
        path: of the list; its last step says what they are.
        components: what it holds.
        taken: names that mean something else.
    """
    noun = path[-1]
    seen: set[str] = set()
    for index, component in enumerate(components):
        name = component_id(component)
        # The field that decides the name, where a correction is written.
        where = (*path, index, "id" if _has_id(component) else "type")
        if name in seen:
            can_be_named = isinstance(component, NamedParams)
            hint = "give one of them another 'id'" if can_be_named else "take one out"
            yield Problem(where, f"two {noun} are called {name!r}", hint)
        seen.add(name)
        if name in taken:
            hint = "give it another 'id'"
            yield Problem(where, f"{name!r} means something else in results", hint)
        elif not re.fullmatch(SLUG, name):
            yield Problem(where, f"{name!r} is no id", "write it in lower case with hyphens")
        # Parts appear in results, too, under the same rules.
        if isinstance(component, CombinedAttackerParams):
            yield from check_names((*path, index, "attackers"), component.attackers, taken)


def _has_id(component: Params) -> bool:
    return isinstance(component, NamedParams) and component.id is not None


def _check_weights(spec: RunSpec) -> Iterator[Problem]:
    # Without attackers there are no weights to check.
    if spec.attackers and not any(attacker.weight for attacker in spec.attackers):
        message = "every attacker has weight 0, so nothing would be defended against"
        yield Problem(("attackers",), message, "give one of them a weight")


def _check_reference_data(spec: RunSpec) -> Iterator[Problem]:
    """A defence that learns from samples that are no members has to be given some."""
    if spec.pools.reference:
        return
    for index, defence in enumerate(spec.method.defences):
        if Need.REFERENCE_DATA in definition_of(defence).needs:
            name = component_id(defence)
            message = f"{name!r} learns from samples that are no members, and there are none for it"
            hint = "write pools.reference: 0.5, say"
            yield Problem(("method", "defences", index, "type"), message, hint)


def _check_tests(spec: RunSpec) -> Iterator[Problem]:
    """A method that chooses by attacks has some to choose by."""
    definition = definition_of(spec.method)
    if spec.attackers or definition.workload is None:
        # A method without a workload does not say how it chooses.
        return
    # One candidate a round needs no choice, and so no attacks.
    if definition.workload(spec.method, spec.training.epochs).chooses:
        message = f"{definition.name!r} chooses among candidates by attacks, and there are none"
        yield Problem(("attackers",), message, "write attackers: [{type: neural-blackbox}], say")


def _check_finished_tests(spec: RunSpec) -> Iterator[Problem]:
    """Tests of finished models need something that finishes them."""
    # A field of the method's own: only those have it that test models.
    if getattr(spec.method, "test_finished", False) and not spec.method.finish:
        message = "models are to be tested as finish leaves them, and it has no stages"
        hint = "write method.finish: [{type: quantize}], say, or leave test_finished out"
        yield Problem(("method", "test_finished"), message, hint, at_key=True)


def _check_stages(spec: RunSpec) -> Iterator[Problem]:
    """A stage that makes the network smaller comes before those that code its weights."""
    reducing = [definition_of(stage).reduces for stage in spec.method.finish]
    for index in range(1, len(reducing)):
        if reducing[index] and not reducing[index - 1]:
            name = component_id(spec.method.finish[index])
            message = f"{name!r} removes channels of a network whose weights are coded already"
            hint = "write the stage that removes channels first"
            yield Problem(("method", "finish", index, "type"), message, hint)


def _check_gate_density(spec: RunSpec) -> Iterator[Problem]:
    yield from check_densities(spec.gate, spec.method)


def check_gate(spec: AnySpec, games: Collection[str]) -> Iterator[Problem]:
    """Every gate names a measure that there will be, and has a bound that decides something.

    Args:
        spec: of a run or an audit.
        games: the names of all that are registered.
    """
    owners = _games_by_owner(spec)
    yield from check_bounds(spec.gate, spec.metrics, owners)
    yield from check_contradictions(spec.gate)
    measures = gate_measures(spec)
    for index, gate in enumerate(spec.gate):
        if gate.measure in measures:
            continue
        path: SpecPath = ("gate", index, "measure")
        game = gate.measure.partition(".")[0]
        # A game that exists but is not played is a missing attacker, not a typing error.
        if game in games and game not in owners:
            message = f"{gate.measure!r} has no measure: no attacker of the audit plays {game!r}"
            yield Problem(path, message, "add one to audit.attackers")
        else:
            message = f"no measure is called {gate.measure!r}"
            yield Problem(path, message, offer(gate.measure, measures))


# In the order of the spec's sections, so that problems are found in reading order.
_CHECKS: tuple[Callable[[RunSpec], Iterator[Problem]], ...] = (
    _check_pools,
    _check_ids,
    _check_weights,
    _check_tests,
    _check_gate_density,
    _check_finished_tests,
    _check_stages,
    _check_reference_data,
    check_measures,
    check_attackers,
)


def check_against_card(spec: AnySpec) -> Iterator[Problem]:
    """Return the problems of a spec with the data card, before the data are loaded."""
    card = _card(spec)
    if isinstance(card, Problem):
        yield card
    elif card is not None:
        yield from _check_members(spec, card)
        yield from _check_attributes(spec, card)


def _card(spec: AnySpec) -> DataCard | Problem | None:
    """Return the data card; a problem if the definition cannot give it."""
    definition = definition_of(spec.task.data)
    if definition.card is None:
        return None
    try:
        return definition.card(spec.task.data)  # type: ignore[no-any-return]
    # Swallowed into a problem: a card of a plugin must not end validation with a traceback.
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        message = f"{definition.name!r} cannot say what it would load ({reason})"
        return Problem(("task", "data"), message, "change its parameters, or report it")


def _check_members(spec: AnySpec, card: DataCard) -> Iterator[Problem]:
    members = spec.pools.members
    if isinstance(members, int) and members >= card.samples:
        name = component_id(spec.task.data)
        message = f"{members} members are asked for, and {name!r} has {card.samples} samples"
        hint = f"write less than {card.samples}, so that non-members are left, or a share"
        yield Problem(("pools", "members"), message, hint)


def _check_attributes(spec: AnySpec, card: DataCard) -> Iterator[Problem]:
    data = component_id(spec.task.data)
    for path, name in find_marked(spec, AttributeMark):
        # The data set's own fields name columns, before attributes exist.
        if path[:2] != ("task", "data") and name not in card.attributes:
            message = f"{data!r} has no attribute {name!r}"
            yield Problem(path, message, offer(name, card.attributes))
