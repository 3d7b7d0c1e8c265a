"""Checks of a strategy's changes of training: each changes something, to an allowed value.

Compared with the spec's own values: a factor may still lead out of range after several rounds.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from safecompress_core.api import MethodParams, Params, component_id
from safecompress_core.problems import Problem
from safecompress_core.specfile.fields import Place, field_names, find_marked
from safecompress_core.specfile.models.changes import (
    LAYER_DENSITY,
    Change,
    ChangesMark,
    Range,
    options,
)
from safecompress_core.specfile.models.run_spec import RunSpec
from safecompress_core.specfile.names import offer
from safecompress_core.specfile.problems import SpecPath
from safecompress_core.specfile.translate import find_problems

__all__ = ["check_changes", "opened_defences"]

LEARNING_RATE, DENSITY, UPDATE_FRACTION = "learning_rate", "density", "update_fraction"


def check_changes(spec: RunSpec) -> Iterator[Problem]:
    """A problem for each change, in any field marked with ``ChangesMark``, that cannot be made."""
    for path, changes in find_marked(spec, ChangesMark):
        for key in changes:
            # Each value of a list on its own, since one of them may be valid and another not.
            for below, change in _values(key, changes[key]):
                problem = _problem(spec, (*path, key), key, change, below)
                if problem is not None:
                    yield problem
                    # One problem a key: the remaining values would repeat it.
                    break


def opened_defences(spec: RunSpec) -> Iterator[tuple[SpecPath, str, Params]]:
    """Yield every defence as a strategy's ``set`` changes it, one parameter at a time.

    Each comes with the place of the change and the name of the parameter. The spec is valid, so
    that every change can be made; factors are of the spec's own values.
    """
    defences = {component_id(one): one for one in spec.method.defences}
    for path, changes in find_marked(spec, ChangesMark):
        for key in changes:
            owner, _, field = key.rpartition(".")
            # The density of a layer is no parameter of a defence.
            is_of_defence = owner and not key.startswith(LAYER_DENSITY)
            for below, change in _values(key, changes[key]) if is_of_defence else ():
                params = defences[owner]
                values: dict[str, Any] = params.model_dump(by_alias=True)
                changed = values | {field: change.apply(values[field])}
                yield (*path, key, *below), field, type(params).model_validate(changed)


def _values(key: str, value: Any) -> Iterator[tuple[SpecPath, Change]]:
    """Yield every value that a key may take, a range by its ends and middle, with its place."""
    option = options({key: value})[key]
    if isinstance(option, Range):
        # The ends as they are written: only what lies between is rounded to whole numbers.
        yield ("low",), Change(option.low)
        yield ("high",), Change(option.high)
        yield (), option.change(0.5)
    else:
        yield from (((), change) for change in option)


def _problem(
    spec: RunSpec, path: SpecPath, key: str, change: Change, below: SpecPath
) -> Problem | None:
    """Return the problem of one change, if there is one; its value is ``below`` the key."""
    defences = {component_id(one): one for one in spec.method.defences}
    general: dict[str, BaseModel] = {LEARNING_RATE: spec.training}
    # Only sparse training has these.
    general |= {
        name: spec.method
        for name in (DENSITY, UPDATE_FRACTION)
        if name in type(spec.method).model_fields
    }
    owner, dot, field = key.partition(".")
    if not dot:
        if key in general:
            return _refusal(general[key], key, change, (*path, *below))
        names = [*general, *(f"{name}.<parameter>" for name in defences)]
        hint = offer(key, names)
        return Problem(path, f"no hyperparameter is called {key!r}", hint, at_key=True)
    if key.startswith(LAYER_DENSITY) and DENSITY in general:
        return _layer_refusal(key, change, (*path, *below))
    if owner not in defences:
        message = f"no defence of the method is called {owner!r}"
        hint = offer(owner, defences, none="the method has none; add it to method.defences")
        return Problem(path, message, hint, at_key=True)
    # Type and id are names, and no parameters that training could change.
    names = [name for name in field_names([Place(type(defences[owner]))]) if name not in _FIXED]
    if field not in names:
        message = f"the defence {owner!r} has no parameter {field!r}"
        hint = offer(field, names, none="it has no parameters")
        return Problem(path, message, hint, at_key=True)
    return _refusal(defences[owner], field, change, (*path, *below))


def _layer_refusal(key: str, change: Change, path: SpecPath) -> Problem | None:
    """Return the reason why a layer's share of the weights cannot change by a factor."""
    if change.number > 0:
        return None
    message = f"{key!r} is the factor of a layer's share of the weights, and {change.number:g}"
    return Problem(path, f"{message} would leave it none", "write a number greater than 0")


_FIXED = {"type", "id"}


def _refusal(model: BaseModel, field: str, change: Change, path: SpecPath) -> Problem | None:
    """Return the reason why a model refuses the changed value of a field, if it does."""
    values: dict[str, Any] = model.model_dump(by_alias=True)
    current = values[field]
    # bool is a subclass of int, but a factor of True makes no sense.
    if change.is_factor and (not isinstance(current, int | float) or isinstance(current, bool)):
        message = f"{field!r} is {current!r} and takes no factor"
        return Problem(path, message, "write the values themselves")
    # A factor below 0 leaves a 0 as it is, and would fail once another change has made it more.
    is_hidden = change.is_factor and change.number < 0 and current == 0
    changed = change.number if is_hidden else change.apply(current)
    try:
        # Validated as a whole model, so that validators over several fields run as well.
        type(model).model_validate(values | {field: changed})
    except ValidationError as error:
        # One reason is enough: the value has to be written anew anyway.
        first = find_problems(error, model=type(model))[0]
        message = f"{field!r} cannot be {changed:g}: {first.message}"
        return Problem(path, message, first.hint)
    if field == DENSITY and isinstance(model, MethodParams) and changed > current:
        message = f"density {changed:g} is above method.density, {current:g}"
        hint = f"a candidate may be sparser, never denser; write at most {current:g}"
        return Problem(path, message, hint)
    return None
