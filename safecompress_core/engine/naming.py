"""What a run directory is called: the same for the same spec and the same plugins."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from safecompress_core.api import StrategyDef
from safecompress_core.host import Registry

__all__ = ["directory_name", "plugin_records"]


def directory_name(
    resolved: Mapping[str, Any],
    plugins: Sequence[Mapping[str, str | None]],
    *,
    model: str | None = None,
) -> str:
    """The name for a resolved spec and a list of plugins as ``plugins.json`` holds it.

    ``model`` is the fingerprint of the model that an audit is of.
    """
    given = [] if model is None else [model]
    content = json.dumps([resolved, plugins, *given], sort_keys=True)
    return f"{resolved['name']}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def plugin_records(registry: Registry) -> list[dict[str, str | None]]:
    """Every definition with where it came from."""
    listed = []
    for definition in registry:
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
