"""Names for trained models by everything that they depend on, so that runs can share them."""

import hashlib
import json
from typing import Any

from safecompress_core.context.run_context import RunContext
from safecompress_core.plan import PLAIN
from safecompress_core.results.identity import identity_of_plugins
from safecompress_core.results.run_id import find_definitions

__all__ = ["content_key", "trains_plainly"]

COMMON = ("task", "pools", "training", "seed", "device")
"""The sections of a spec that all training depends on."""


def trains_plainly(run_context: RunContext) -> bool:
    """Return whether a run's own method is plain dense training."""
    return bool(run_context.loaded.resolved["method"] == PLAIN)


def content_key(run_context: RunContext, **content: Any) -> str:
    """16 hexadecimal digits: the same for the same data, pools, training, plugins and content.

    The files and code that components of these sections read are part of it.

    Args:
        run_context: the run.
        content: what else the model depends on, JSON-ready.
    """
    registry, resolved = run_context.registry, run_context.loaded.resolved
    asked = {**{section: resolved[section] for section in COMMON}, **content}
    # Only sections that are the spec's own: a replaced method has other externals.
    sections = [name for name, value in asked.items() if resolved.get(name) == value]
    everything = {
        "identity": {
            **run_context.data_identity,
            **{name: run_context.externals.get(name, {}) for name in sections},
            **identity_of_plugins(asked, registry),
        },
        "plugins": [
            f"{definition.target} {registry.origin(definition).version}"
            for definition in find_definitions(asked, registry)
        ],
        # Rounding depends on them, and where the spec leaves them open, on the machine.
        "threads": run_context.threads,
        # The content itself, so that equal hashes mean equal settings.
        **asked,
    }
    # 16 digits: short file names, and no collision among a comparison's models.
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:16]
