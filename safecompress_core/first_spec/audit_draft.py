"""Spec of an audit without a spec: every attack that needs no more than is there."""

import re
from collections.abc import Mapping
from typing import Any

from safecompress_core.api import AttackerDef, Kind, Need
from safecompress_core.specfile.models.components import Definitions

__all__ = ["draft_audit", "sufficient_attackers"]

GAME = "membership"


def draft_audit(
    name: str, data: Mapping[str, Any], registry: Definitions, *, given: frozenset[Need]
) -> dict[str, Any]:
    """Return the spec of an audit of membership by samples that are the model's answers.

    Args:
        name: of the audit; anything but letters and digits becomes a hyphen.
        data: ``task.data``.
        registry: what is registered.
        given: what attackers can have.
    """
    slug = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:64].strip("-")
    return {
        "version": 1,
        "kind": "audit",
        "name": slug or "audit",
        "task": {"data": dict(data), "answers": "auto"},
        # Several records may well be answered alike.
        "pools": {"duplicates": "keep"},
        "audit": {"attackers": sufficient_attackers(registry, given)},
        "metrics": [{"type": "accuracy"}],
    }


def sufficient_attackers(registry: Definitions, given: frozenset[Need]) -> list[dict[str, Any]]:
    """Return every attacker on membership that needs no more, with default parameters.

    Args:
        registry: what is registered.
        given: what there is.
    """
    return [
        {"type": name}
        for name, definition in registry.definitions(Kind.ATTACKER).items()
        # Not those made of others, which only a spec can name.
        if isinstance(definition, AttackerDef)
        and definition.game == GAME
        and definition.needs <= given
        and not any(field.is_required() for field in definition.params.model_fields.values())
    ]
