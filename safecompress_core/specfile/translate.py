"""pydantic's errors as problems: where it is written, what is wrong, what to write instead."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from safecompress_core.problems import Problem
from safecompress_core.specfile.fields import Place, field_names, locate
from safecompress_core.specfile.models.changes import ChangesError
from safecompress_core.specfile.models.components import MOST, UNKNOWN_COMPONENT
from safecompress_core.specfile.names import list_names, nearest, offer
from safecompress_core.specfile.problems import LocatedProblem, SpecPath, shorten
from safecompress_core.specfile.yaml.nodes import Node

__all__ = ["find_problems", "translate_errors"]

NOUNS = {
    "data": "data set",
    "initial": "initial topology",
    "prune": "prune strategy",
    "grow": "grow strategy",
}
"""What messages call a kind or a role, where its own name will not do."""

KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
"""Error types of a value of the wrong kind, and the right one."""

BOUNDS = {
    "greater_than": "is not greater than",
    "greater_than_equal": "is less than",
    "less_than": "is not less than",
    "less_than_equal": "is greater than",
}


MAX_DETAILS = 200
"""The errors of pydantic that are looked at, of which a union has one for each branch."""

LIMITS = {"gt": "greater than", "ge": "of at least", "lt": "less than", "le": "of at most"}
"""What the marks of a bounded number are called, and how a message words them."""


def translate_errors(
    error: ValidationError, *, root: Node, model: type[BaseModel], skipped: Sequence[object] = ()
) -> list[LocatedProblem]:
    """A problem for each thing that is wrong.

    Args:
        error: what validation raised.
        root: the spec that was validated.
        model: the model that it was validated with.
        skipped: plugins that might have provided what is missing.
    """
    return [root.locate(problem) for problem in find_problems(error, model=model, skipped=skipped)]


def find_problems(
    error: ValidationError, *, model: type[BaseModel], skipped: Sequence[object] = ()
) -> list[Problem]:
    """A problem for each thing that is wrong; of a union's branches, for all of them at once."""
    details: dict[SpecPath, list[tuple[ErrorDetails, list[Place]]]] = {}
    # Each branch of a union adds errors, so the number is limited before they are located.
    for detail in error.errors(include_url=False)[:MAX_DETAILS]:
        path, places = locate(model, detail["loc"])
        # Grouped by path: errors of a union's branches are one problem.
        details.setdefault(path, []).append((detail, places))
    found = []
    for path, group in details.items():
        mismatches = [KINDS[detail["type"]] for detail, _ in group if detail["type"] in KINDS]
        others = [(detail, places) for detail, places in group if detail["type"] not in KINDS]
        if mismatches and not others:
            # An error further down shows which branch was meant, and says more.
            if not any(_is_below(other, path) for other in details):
                found.append(_mismatch(path, group[0][0]["input"], mismatches))
            continue
        detail, places = others[0]
        if detail["type"] == "extra_forbidden":
            # The parent's fields are what could have been meant.
            places = locate(model, detail["loc"][:-1])[1]
        found.append(_problem(path, detail, places, skipped))
    return found


def _is_below(path: SpecPath, above: SpecPath) -> bool:
    return len(path) > len(above) and path[: len(above)] == above


def _mismatch(path: SpecPath, value: Any, kinds: Iterable[str]) -> Problem:
    kind = " or ".join(dict.fromkeys(kinds))
    # bool is a subclass of int, and has its own message.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    hint = (
        f"put it in quotes: {shorten(str(value))!r}"
        if kind == "text" and is_number
        else f"write {kind}"
    )
    # 2.0 is written where 2 was meant.
    if kind == "a whole number" and isinstance(value, float) and value.is_integer():
        hint = f"write {value:.0f}"
    return Problem(path, f"{_format_value(value)} is not {kind}", hint)


def _problem(
    path: SpecPath, detail: ErrorDetails, places: list[Place], skipped: Sequence[object]
) -> Problem:
    if detail["type"] == UNKNOWN_COMPONENT:
        return _unknown_component(path, detail["input"], detail["ctx"], skipped)
    # Unknown types of errors still give a problem, in pydantic's words.
    describe = _DESCRIPTIONS.get(detail["type"], _other)
    if detail["type"] in BOUNDS:
        describe = _out_of_range
    return describe(path, detail, places)


def _missing(path: SpecPath, _: ErrorDetails, places: list[Place]) -> Problem:
    # The description of the field is the best hint; as a part of a sentence.
    about = " ".join(next((place.description for place in places), "").split())
    hint = f" ({about[0].lower()}{about[1:].rstrip('.')})" if about else ""
    return Problem(path, f"the field {shorten(str(path[-1]))!r} is missing", f"add it{hint}")


def _unknown_field(path: SpecPath, _: ErrorDetails, places: list[Place]) -> Problem:
    names = field_names(places)
    hint = offer(str(path[-1]), names, none="leave it out: there are no fields here")
    return Problem(path, f"there is no field {shorten(str(path[-1]))!r} here", hint, at_key=True)


def _not_an_option(path: SpecPath, detail: ErrorDetails, places: list[Place]) -> Problem:
    options = [option for place in places for option in _options(place.annotation)]
    value = detail["input"]
    texts = [option for option in options if isinstance(option, str)]
    near = nearest(value, texts) if isinstance(value, str) else ""
    return Problem(
        path,
        f"{_format_value(value)} is no option",
        near or "write " + " or ".join(map(str, options)),
    )


def _options(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [member.value for member in annotation]
    return list(get_args(annotation))


def _out_of_range(path: SpecPath, detail: ErrorDetails, places: list[Place]) -> Problem:
    # The context has one entry, whose name differs by kind of bound.
    (bound,) = detail["ctx"].values()
    message = f"{_format_value(detail['input'])} {BOUNDS[detail['type']]} {_plain(bound)}"
    return Problem(path, message, f"write a number {_range(places) or 'within the bound'}")


def _not_finite(path: SpecPath, detail: ErrorDetails, _: list[Place]) -> Problem:
    return Problem(path, f"{detail['input']} is not a finite number", "write a number")


def _too_few(path: SpecPath, detail: ErrorDetails, _: list[Place]) -> Problem:
    least = detail["ctx"]["min_length"]
    message = "there are no entries" if least == 1 else f"there are fewer than {least} entries"
    return Problem(path, message, f"write {least} or more")


def _too_many(path: SpecPath, detail: ErrorDetails, _: list[Place]) -> Problem:
    most = detail["ctx"]["max_length"]
    return Problem(path, f"there are more than {most} entries", f"write {most} at most")


def _own(path: SpecPath, detail: ErrorDetails, _: list[Place]) -> Problem:
    """Split a validator's text: ``message; hint``."""
    # Our own validators separate message and hint by a semicolon.
    message, *hint = detail["msg"].split("; ", maxsplit=1)
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, ChangesError):
        path = (*path, *error.path)
    # pydantic puts these in front.
    for prefix in ("Value error, ", "Assertion failed, "):
        message = message.removeprefix(prefix)
    return Problem(path, message, hint[0] if hint else "change it")


def _other(path: SpecPath, detail: ErrorDetails, _: list[Place]) -> Problem:
    # 'Input should be …' names no subject that a spec has.
    wanted = re.sub(r"^\w+ should ", "it should ", detail["msg"])
    return Problem(path, f"{_format_value(detail['input'])} is refused", wanted)


_DESCRIPTIONS: Mapping[str, Callable[[SpecPath, ErrorDetails, list[Place]], Problem]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_field,
    "literal_error": _not_an_option,
    "enum": _not_an_option,
    "finite_number": _not_finite,
    "too_short": _too_few,
    "too_long": _too_many,
    "value_error": _own,
    "assertion_error": _own,
}


def _unknown_component(
    path: SpecPath, value: Any, context: Mapping[str, Any], skipped: Sequence[object]
) -> Problem:
    names = context["names"].split()
    # The role is more precise than the kind: 'prune' rather than 'strategy'.
    kind = context["role"] or context["kind"]
    noun = NOUNS.get(kind, kind)
    none = f"there is no {noun}; install a plugin that has one"
    if not isinstance(value, Mapping):
        # `attackers: loss-threshold` names a component without a mapping.
        example = value if value in names else "..."
        hint = f"write {{type: {example}}}"
        if example != value:
            hint += f"; {offer(str(value), names, none=none)}"
        return Problem(path, f"{_format_value(value)} is not a mapping", hint)
    if "type" not in value:
        message = f"the field 'type' is missing, which says which {noun} it is"
        return Problem((*path, "type"), message, f"add it; {list_names(names, none=none)}")
    name = value["type"]
    if not isinstance(name, str):
        return Problem(
            (*path, "type"), f"{_format_value(name)} is no name", list_names(names, none=none)
        )
    hint = offer(name, names, none=none) + _about(skipped)
    return Problem((*path, "type"), f"no {noun} is called {shorten(name)!r}", hint)


def _about(skipped: Sequence[object]) -> str:
    """Lines about plugins that were skipped, indented; empty if there are none."""
    if not skipped:
        return ""
    if len(skipped) == 1:
        return f"\n    1 plugin was skipped, and may have provided it: {skipped[0]}"
    lines = "".join(f"\n      {plugin}" for plugin in skipped)
    return f"\n    {len(skipped)} plugins were skipped, and may have provided it:{lines}"


def _range(places: Iterable[Place]) -> str:
    """The bounds that are declared, but those of all numbers: ``greater than 0 and at most 1``."""
    bounds = {
        # A dict as an ordered set: branches of a union repeat bounds.
        f"{words} {_plain(bound)}": None
        for place in places
        for mark in place.marks
        for name, words in LIMITS.items()
        # MOST is a bound of all numbers, and says nothing about this one.
        if (bound := getattr(mark, name, None)) is not None and bound < MOST
    }
    return " and ".join(bounds)


def _plain(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _format_value(value: Any) -> str:
    # Repeating a whole mapping would hide the message.
    if isinstance(value, Mapping | BaseModel):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "an empty value"
    return str(value).lower() if isinstance(value, bool) else shorten(repr(value))
