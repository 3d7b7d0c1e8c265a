"""Checks of defences that need the data, the model or the rest of the method."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from pydantic import BaseModel

from safecompress_core.api import InitialParams, Need, Params, Role, StrategyDef, component_id
from safecompress_core.context.run_context import RunContext
from safecompress_core.networks.output_guard import OutputGuard
from safecompress_core.preflight.attack_checks import has_continuous_inputs
from safecompress_core.problems import Problem
from safecompress_core.sparse.strategy import Grow
from safecompress_core.specfile.checks.change_checks import opened_defences
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.specfile.problems import SpecPath
from safecompress_core.training.defence import Defence, DefenceContext

__all__ = ["check_defences", "check_input_changes", "list_defences", "strategy_parts"]

METHOD: SpecPath = ("method",)
WITHOUT_GRADIENTS = {
    Role.INITIAL: "erdos-renyi-kernel",
    Role.PRUNE: "magnitude",
    Role.GROW: "random",
}
"""What to write instead of a part that reads gradients."""


def check_input_changes(run_context: RunContext) -> Iterator[Problem]:
    """Defences that change samples a little, where these are words or codes."""
    if has_continuous_inputs(run_context.dataset):
        return
    for path, params in list_defences(run_context):
        if Need.CONTINUOUS_INPUTS in definition_of(params).needs:
            name = component_id(params)
            message = f"{name!r} needs continuous inputs; these are token ids or categorical codes"
            yield Problem((*path, "type"), message, "take it out")


def list_defences(run_context: RunContext) -> list[tuple[SpecPath, Params]]:
    """Return the defences of the method, each with its place."""
    defences = run_context.spec.method.defences
    return [((*METHOD, "defences", index), params) for index, params in enumerate(defences)]


def check_defences(run_context: RunContext) -> Iterator[Problem]:
    """Defences that cannot work in this model, next to each other or in this method.

    Raises:
        MissingExtraError: if a defence needs a package that is not installed.
    """
    declared = list_defences(run_context)
    if not declared:
        return
    # Defences help to train the trainee, which may be another model than the spec's.
    trainee = run_context.method.trainee(run_context.architecture)
    built: dict[str, Defence] = {
        component_id(params): run_context.registry.create(params) for _, params in declared
    }
    guards = {name: _guard(run_context, one) for name, one in built.items()}
    for index, (path, params) in enumerate(declared):
        name = component_id(params)
        context = DefenceContext(
            network=run_context.architecture.build(trainee),
            schedule=run_context.schedule,
            precision=run_context.recipe.precision,
            # Others by name: a defence may refuse company that breaks its guarantee.
            others={other: one for other, one in built.items() if other != name},
            earlier=tuple(component_id(other) for _, other in declared[:index]),
            are_numbers=has_continuous_inputs(run_context.dataset),
            draws_views=run_context.spec.training.augmentation.is_random,
        )
        refused = list(built[name].check(context))
        for problem in refused:
            yield problem.within(*path)
        # Compiled code is fixed before hooks are attached, and would ignore them silently.
        if run_context.recipe.precision.compile and _hooks(built[name]):
            message = f"{name!r} changes the forward pass, which training.compile fixes beforehand"
            yield Problem((*path, "type"), message, "write 'training.compile: false'")
        # One guard only: two would perturb each other's outputs.
        earlier = [other for other in context.earlier if guards[other] is not None]
        if guards[name] is not None and earlier:
            message = f"only one output guard is allowed; the spec has {earlier[0]!r} and {name!r}"
            yield Problem((*path, "type"), message, "remove one of them")
        opened = list(_opened(run_context, name))
        yield from _opened_problems(opened, context, {problem.message for problem in refused})
        # A guarantee covers the training data only if nothing else reads them.
        if guarantor := _guarantor(name, built[name], opened):
            yield from _past(run_context, guarantor)
            yield from _guarded_past(run_context, guarantor, guards)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A defence as a strategy's ``set`` changes it: the place, what it changes, the defence."""

    path: SpecPath
    change: str
    defence: Defence


def _opened(run_context: RunContext, name: str) -> Iterator[_Opened]:
    """Yield all that strategies make of a defence."""
    for path, field, params in opened_defences(run_context.spec):
        if component_id(params) == name:
            change = f"{field} {getattr(params, field):g}"
            yield _Opened(path, change, run_context.registry.create(params))


def _opened_problems(
    opened: Iterable[_Opened], context: DefenceContext, known: set[str]
) -> Iterator[Problem]:
    """Problems that a defence has only where a strategy changes it, at the place of the change."""
    for one in opened:
        for problem in one.defence.check(context):
            if problem.message not in known:
                yield Problem(one.path, problem.message, problem.hint)


def _guarantor(name: str, written: Defence, opened: Iterable[_Opened]) -> str | None:
    """Return what guarantees privacy: a defence as written, or as a strategy changes it."""
    if written.guarantees:
        return repr(name)
    changes = (one.change for one in opened if one.defence.guarantees)
    return next((f"{name!r} with {change}, as 'set' has it," for change in changes), None)


def _hooks(defence: Defence) -> bool:
    return type(defence).inside is not Defence.inside


def _guard(run_context: RunContext, defence: Defence) -> OutputGuard | None:
    """Return the output guard that the spec would build."""
    classes = len(run_context.dataset.classes)
    # No seed: the guard is built to be examined, and never ships.
    return defence.make_guard(classes=classes, generator=torch.Generator())


def _guarded_past(
    run_context: RunContext, guarantor: str, guards: Mapping[str, OutputGuard | None]
) -> Iterator[Problem]:
    """A guard that learns from members would ship what the defence has bounded in the model."""
    for path, params in list_defences(run_context):
        other = component_id(params)
        guard = guards[other]
        if guard is None:
            continue
        # It was trained on members outside the mechanism that bounds their influence.
        if guard.reads_samples:
            reason = f"the guard of {other!r} learns from members past it"
        elif run_context.dataset.bounds is None:
            reason = (
                f"for the guard of {other!r} inputs are drawn between the members' own extremes, "
                "since the data have no bounds"
            )
        else:
            continue
        message = f"{guarantor} bounds what members do to what ships, and {reason}"
        yield Problem((*path, "type"), message, "take one of the two out")


def _past(run_context: RunContext, guarantor: str) -> Iterator[Problem]:
    """Ways around a defence that bounds all that a model learns from members."""
    for path, params in strategy_parts(run_context.spec.method):
        role, part = definition_of(params).role, run_context.registry.create(params)
        # Gradients of members decide which weights are active, which the guarantee does not cover.
        if part.gradient_batches or (isinstance(part, Grow) and part.needs_momentum):
            message = (
                f"{guarantor} bounds what members do to the model, and this reads their gradients"
            )
            yield Problem((*path, "type"), message, f"write {WITHOUT_GRADIENTS[role]!r}")
        if isinstance(params, InitialParams) and "inherit" in params.starts:
            message = (
                f"{guarantor} bounds what members do to the model, and these weights know them"
            )
            yield Problem((*path, "weights"), message, "write 'random', or 'pretrained'")


def strategy_parts(value: Any, path: SpecPath = METHOD) -> Iterator[tuple[SpecPath, Params]]:
    """Every part of a strategy below a component, with its place."""
    # ``vars`` of the class itself: subclasses of params must not inherit being a part.
    if isinstance(value, Params) and isinstance(vars(type(value)).get("definition"), StrategyDef):
        yield path, value
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, Mapping) else ()
    if isinstance(value, list | tuple):
        items = enumerate(value)
    for step, item in items:
        yield from strategy_parts(item, (*path, step))
