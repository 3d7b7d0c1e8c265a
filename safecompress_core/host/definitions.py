"""What a definition must be like, so that a spec can name it and a run can find it."""

import re
from collections.abc import Iterator
from typing import get_args

from safecompress_core.api import (
    API_VERSION,
    AnyDefinition,
    CombinedAttackerDef,
    CombinedAttackerParams,
    Definition,
    Kind,
    Params,
    ReferenceAttackerParams,
    Role,
    VersionsAttackerParams,
)
from safecompress_core.hookspecs import HOOKS

__all__ = ["NAME_STYLE", "TARGET_STYLE", "Key", "flaws_of", "key_of", "label"]

NAME_STYLE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TARGET_STYLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
CLASSES_OF: dict[Kind, tuple[type[Definition], ...]] = {
    kind: tuple(cls for cls in get_args(AnyDefinition) if cls.kind is kind) for kind in Kind
}

Key = tuple[Kind, Role | None, str]
"""What makes a definition unique: its kind, its role where it has one, and its name."""


def key_of(definition: Definition) -> Key:
    """What no other definition may share."""
    return definition.kind, getattr(definition, "role", None), definition.name


def label(key: Key) -> str:
    """What a message calls a definition.

    >>> print(label((Kind.STRATEGY, Role.GROW, "random")))
    grow strategy 'random'
    """
    kind, role, name = key
    return f"{role} {kind} {name!r}" if role else f"{kind} {name!r}"


def flaws_of(definition: object, kind: Kind) -> Iterator[str]:
    """What is wrong with something that a kind's hook returned, worst first.

    Later checks rely on earlier ones: stop at the first flaw.
    """
    wanted = CLASSES_OF[kind]
    if not isinstance(definition, wanted):
        names = " or ".join(cls.__name__ for cls in wanted)
        yield f"{HOOKS[kind]} returned {type(definition).__name__} where {names} belongs"
        return
    name = definition.name
    params: object = definition.params  # whatever its annotation says, it comes from outside
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
    elif getattr(definition, "references", False) and not issubclass(
        params, ReferenceAttackerParams
    ):
        yield f"{name!r} has reference models, so its params are a ReferenceAttackerParams"
    elif getattr(definition, "sees_versions", False) and not issubclass(
        params, VersionsAttackerParams
    ):
        yield f"{name!r} sees versions, so its params are a VersionsAttackerParams"
    elif isinstance(definition, CombinedAttackerDef) and not issubclass(
        params, CombinedAttackerParams
    ):
        yield f"{name!r} is made of others, so its params are a CombinedAttackerParams"
    if not TARGET_STYLE.fullmatch(definition.target):
        yield f"the target of {name!r} is {definition.target!r}; write 'package.module:Class'"
    if not definition.summary.strip() or "\n" in definition.summary:
        yield f"the summary of {name!r} is not one line"
