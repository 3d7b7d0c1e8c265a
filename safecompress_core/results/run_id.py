"""Name of a run directory: equal for equal specs and components."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from safecompress_core.api import AttackerDef, Definition, Kind, StrategyDef
from safecompress_core.host import Registry

__all__ = ["directory_name", "find_definitions", "plugin_records"]


def directory_name(
    resolved: Mapping[str, Any],
    plugins: Sequence[Mapping[str, str | None]],
    *,
    model: str | None = None,
) -> str:
    """The name for a resolved spec and a list of plugins as ``plugins.json`` holds it.

    ``model`` is the fingerprint of the model that an audit is of.
    """
    # Only an audit is identified by a model; a run's name does not depend on this list.
    given = [] if model is None else [model]
    # Sorted keys: the order in a spec does not change the name.
    content = json.dumps([resolved, plugins, *given], sort_keys=True)
    # Eight digits are short enough to type; an unlikely collision is found by identity.json.
    return f"{resolved['name']}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def plugin_records(resolved: Mapping[str, Any], registry: Registry) -> list[dict[str, str | None]]:
    """Every definition that a resolved spec names, with where it came from."""
    listed = []
    for definition in find_definitions(resolved, registry):
        origin = registry.origin(definition)
        listed.append(
            {
                "kind": str(definition.kind),
                "role": str(definition.role) if isinstance(definition, StrategyDef) else None,
                "name": definition.name,
                "distribution": origin.distribution,
                "version": origin.version,
            }
        )
    return listed


def find_definitions(content: Any, registry: Registry) -> list[Definition]:
    """The definitions whose name is a ``type`` somewhere in plain content, of whatever kind.

    The games that their attackers play count as named, but for SafeCompress's own. What else is
    installed changes nothing of a run, and so must not give it another name.
    """
    names = set(_types(content))
    named = {
        definition
        for definition in registry
        # Games share names with components, and count only if an attacker plays them.
        if definition.kind is not Kind.GAME and definition.name in names
    }
    played = {definition.game for definition in named if isinstance(definition, AttackerDef)}
    named |= {
        game
        for name, game in registry.definitions(Kind.GAME).items()
        if name in played and not registry.origin(game).is_built_in
    }
    # In the registry's order, since a set has none.
    return [definition for definition in registry if definition in named]


def _types(content: Any) -> Iterator[str]:
    """Every ``type`` in nested mappings and lists."""
    if isinstance(content, Mapping):
        if isinstance(content.get("type"), str):
            yield content["type"]
        # A mapping's values may be lists, which the next block handles.
        content = list(content.values())
    if isinstance(content, list | tuple):
        for value in content:
            yield from _types(value)
