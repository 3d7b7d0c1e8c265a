"""What a finished run says: the content of ``results.json``, of which all else is a function."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safecompress_core.api import Params, component_id
from safecompress_core.games.play import Attack
from safecompress_core.methods.method import Outcome
from safecompress_core.training.training_state import Learner

__all__ = [
    "describe_attacks",
    "describe_method",
    "describe_model",
    "describe_selection",
    "fingerprints",
]


def describe_model(
    learner: Learner,
    *,
    uncompressed: Learner,
    architecture: Mapping[str, Any],
    file_bytes: int,
    dense_bytes: int,
) -> dict[str, Any]:
    """Architecture, shapes and sizes of a model.

    ``density`` is that of the sparsifiable weights, ``model_density`` that of all parameters; both
    are fractions of what the uncompressed model has, which may be wider. ``sparsifiable`` is the
    share of its parameters that may be sparse.
    """
    weights, total = _sizes(learner)
    active = learner.topology.total_active if learner.topology else weights
    all_weights, everything = _sizes(uncompressed)
    return {
        "architecture": dict(architecture),
        "reshaping": learner.network.reshaping.to_json(),
        "density": active / all_weights,
        "model_density": (active + total - weights) / everything,
        "sparsifiable": all_weights / everything,
        "parameters": total,
        "active": active + total - weights,
        "file_bytes": file_bytes,
        "dense_bytes": dense_bytes,
    }


def _sizes(learner: Learner) -> tuple[int, int]:
    """How many sparsifiable weights, and how many parameters, the network has when it is dense."""
    weights = sum(weight.numel() for weight in learner.weights.values())
    return weights, sum(parameter.numel() for parameter in learner.network.parameters())


def describe_method(method: Params, outcome: Outcome) -> dict[str, Any]:
    """How a model came about: the method's name, for how long it was trained, and its phases."""
    return {
        "type": component_id(method),
        "epochs": outcome.chosen.epoch,
        "phases": list(outcome.phases),
        "facts": dict(outcome.facts),
    }


def describe_selection(
    performance: str, attacks: Iterable[Attack], method: Params, *, also_audit: Iterable[str]
) -> dict[str, Any]:
    """What candidates were chosen by: it gives the objectives of rounds and archive a meaning.

    Args:
        performance: the metric that is called ``performance`` there.
        attacks: those that tested candidates.
        method: its ``bound``, where it has one, tells which end of an interval counted.
        also_audit: ids in the audit of attackers that selected as well.
    """
    return {
        "performance": performance,
        "attackers": {
            attack.id: {
                "game": str(attack.definition.game),
                "access": str(attack.definition.access),
                "weight": attack.params.weight,
            }
            for attack in attacks
        },
        "bound": getattr(method, "bound", None),
        "also_audit": list(also_audit),
    }


def describe_attacks(attacks: Iterable[Attack]) -> dict[str, str]:
    """By the type of each attacker its own summary, so that a report needs no plugin."""
    return {attack.definition.name: attack.definition.summary for attack in attacks}


def fingerprints(directory: Path) -> dict[str, str]:
    """The SHA-256 of every model file that ships, by its path in the run directory."""
    folders = ("model", "baseline", "archive")
    paths = sorted(path for name in folders for path in (directory / name).glob("*.safetensors"))
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
    }
