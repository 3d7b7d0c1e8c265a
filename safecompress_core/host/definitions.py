"""Rules for definitions: a spec can name them and a run can import them."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import get_args

from safecompress_core.api import (
    ADVANTAGE,
    API_VERSION,
    AnyDefinition,
    AttackerDef,
    CombinedAttackerDef,
    CombinedAttackerParams,
    Definition,
    DensityParams,
    ExporterDef,
    ExporterParams,
    GameDef,
    GradientAttackerParams,
    Kind,
    MethodDef,
    MethodParams,
    Need,
    Params,
    ReferenceAttackerParams,
    Role,
    VersionsAttackerParams,
    role_of,
)
from safecompress_core.hookspecs import HOOKS

__all__ = ["NAME_STYLE", "TARGET_STYLE", "Key", "flaws_of", "game_flaw", "key_of", "label"]

# Lower case with hyphens, so that names in a spec never need quotes.
NAME_STYLE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TARGET_STYLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
CLASSES_OF: dict[Kind, tuple[type[Definition], ...]] = {
    # From the union of definitions, so that a new class needs no second list.
    kind: tuple(cls for cls in get_args(AnyDefinition) if cls.kind is kind)
    for kind in Kind
}

Key = tuple[Kind, Role | None, str]
"""What makes a definition unique: its kind, its role where it has one, and its name."""


def key_of(definition: Definition) -> Key:
    """Return the key that no two definitions may share."""
    return definition.kind, role_of(definition), definition.name


def label(key: Key) -> str:
    """Return a definition's name in messages.

    >>> print(label((Kind.STRATEGY, Role.GROW, "random")))
    grow strategy 'random'
    """
    kind, role, name = key
    return f"{role} {kind} {name!r}" if role else f"{kind} {name!r}"


def flaws_of(definition: object, kind: Kind) -> Iterator[str]:
    """Return the problems of an object that a kind's hook returned, worst first.

    Later checks rely on earlier ones: stop at the first flaw.
    """
    wanted = CLASSES_OF[kind]
    if not isinstance(definition, wanted):
        names = " or ".join(cls.__name__ for cls in wanted)
        yield f"{HOOKS[kind]} returned {type(definition).__name__} where {names} belongs"
        # Without the right class nothing below could be read.
        return
    name = definition.name
    params: object = definition.params  # whatever its annotation says, it comes from outside
    # Before the other checks, since a newer interface may have other rules.
    if definition.api != API_VERSION:
        yield (
            f"{name!r} is written for version {definition.api} of the plugin interface; "
            f"this SafeCompress has version {API_VERSION}"
        )
    if not NAME_STYLE.fullmatch(name):
        yield f"{name!r} is no name for a component; write it in lower case with hyphens"
    if not (isinstance(params, type) and issubclass(params, Params)):
        yield f"the params of {name!r} are no subclass of safecompress_core.api.Params"
    elif "type" in params.model_fields:
        yield f"the params of {name!r} have a field 'type', which a spec uses for the name"
    else:
        yield from _missing_parameters(definition, params)
    if not TARGET_STYLE.fullmatch(definition.target):
        yield f"the target of {name!r} is {definition.target!r}; write 'package.module:Class'"
    if not set(definition.needs) <= set(Need):
        unknown = ", ".join(sorted(map(str, set(definition.needs) - set(Need))))
        yield f"{name!r} needs {unknown}; needs are members of safecompress_core.api.Need"
    # Games are compared by advantage, so one without it cannot be listed next to others.
    if isinstance(definition, GameDef) and definition.measure(ADVANTAGE) is None:
        yield f"the game {name!r} has no measure {ADVANTAGE!r}, by which all games are compared"
    if not definition.summary.strip() or "\n" in definition.summary:
        yield f"the summary of {name!r} is not one line"


def game_flaw(definition: Definition, games: Mapping[str, GameDef]) -> str | None:
    """Return the problem of the game that an attacker names, or None.

    >>> game_flaw(Definition(name="x", params=Params, target="x:Y", summary="X."), {}) is None
    True
    """
    if not isinstance(definition, AttackerDef):
        return None
    who = f"the {label(key_of(definition))} plays {definition.game!r}"
    game = games.get(definition.game)
    if game is None:
        # Close matches first: most errors are typing errors.
        near = difflib.get_close_matches(definition.game, games)
        guess = f"did you mean {' or '.join(map(repr, near))}?" if near else ""
        known = guess or f"there are {', '.join(games) or 'none'}"
        return f"{who}, which is no registered game; {known}"
    # The game reads fields of its own params from every attacker's.
    if not issubclass(definition.params, game.params):
        return f"{who}, so its params are a {game.params.__name__}"
    return None


def _missing_parameters(definition: Definition, params: type[Params]) -> Iterator[str]:
    """Parameters that come with what an attacker says of itself, and that it does not have."""
    needs = definition.needs if isinstance(definition, AttackerDef) else frozenset()
    claims: tuple[tuple[str, bool, type[Params]], ...] = (
        ("needs reference models", Need.REFERENCES in needs, ReferenceAttackerParams),
        ("needs other versions", Need.VERSIONS in needs, VersionsAttackerParams),
        ("needs gradients of samples", Need.GRADIENTS in needs, GradientAttackerParams),
        (
            "is made of others",
            isinstance(definition, CombinedAttackerDef),
            CombinedAttackerParams,
        ),
        ("is a method", isinstance(definition, MethodDef), MethodParams),
        ("is an exporter", isinstance(definition, ExporterDef), ExporterParams),
        (
            "is a method with a density",
            isinstance(definition, MethodDef) and "density" in params.model_fields,
            DensityParams,
        ),
    )
    for claim, holds, wanted in claims:
        if holds and not issubclass(params, wanted):
            yield f"{definition.name!r} {claim}, so its params are a {wanted.__name__}"
