"""Results of a run that never was, small enough to work out by hand."""

from typing import Any

import pytest


def judged(game: str, advantage: float, **more: Any) -> dict[str, Any]:
    """An attack's result on 20 samples."""
    return {
        "game": game,
        "n": 20,
        "members": 10,
        "non_members": 10,
        "accuracy": 0.6,
        "accuracy_interval": [0.5, 0.7],
        "auc": 0.65,
        "auc_interval": [0.55, 0.75],
        "advantage": advantage,
        "advantage_interval": [advantage - 0.1, advantage + 0.1],
        "baseline": 0.5,
        **more,
    }


def part(accuracy: float, leak: float, lift: float) -> dict[str, Any]:
    """Metrics and audit of a model."""
    return {
        "metrics": {
            "accuracy": {"value": accuracy, "interval": [accuracy - 0.05, accuracy + 0.05]},
        },
        "audit": {
            "loss": judged("membership", leak),
            "entropy": judged("membership", leak - 0.02),
            "probe": judged(
                "attribute", 0.8, baseline=0.1, lift=lift, lift_interval=[lift - 0.1, lift + 0.1]
            ),
        },
    }


def model(density: float, active: int, file_bytes: int) -> dict[str, Any]:
    """Sizes of a model."""
    return {
        "density": density,
        "model_density": density,
        "sparsifiable": 1.0,
        "parameters": 1000,
        "active": active,
        "file_bytes": file_bytes,
        "dense_bytes": 4000,
    }


def tested(name: str, strategy: str, *, chosen: bool, outdone_by: str | None) -> dict[str, Any]:
    """A candidate of a round."""
    return {
        "id": name,
        "strategy": strategy,
        "attacks": {"net": {"outdone_by": outdone_by}, "reader": {"outdone_by": None}},
        "chosen": chosen,
    }


def noise(spread: float, *, tells_apart: bool) -> dict[str, Any]:
    """How far the candidates of a round differ, where the test's noise is 0.02."""
    return {"spread": spread, "noise": 0.02, "tells_apart": tells_apart}


def entry(name: str, performance: float, net: float, reader: float, **more: Any) -> dict[str, Any]:
    """A model of the archive."""
    return {
        "id": name,
        "strategy": "keep",
        "objectives": {"performance": performance, "net": net, "reader": reader},
        "chosen": False,
        "file_bytes": 1000,
        **more,
    }


@pytest.fixture
def results() -> dict[str, Any]:
    """Two rounds, three models in the archive of which both ends are audited, two gates."""
    gate = {"at_least": None, "at_most": None, "against": "interval"}
    return {
        "name": "trial",
        "seed": 1,
        "model": model(0.1, 150, 1000),
        **part(0.4, 0.2, -0.05),
        "baseline": {"model": model(1.0, 1000, 4000), **part(0.5, 0.3, 0.3)},
        "method": {"type": "test-driven", "epochs": 4, "phases": [], "facts": {}},
        "controls": {
            "null": {
                "loss": {"auc": 0.48, "auc_interval": [0.3, 0.6], "passed": True},
                "entropy": {"auc": 0.52, "auc_interval": [0.4, 0.7], "passed": True},
            },
            "planted": {
                "loss": {"auc": 1.0, "auc_interval": [0.9, 1.0], "passed": True},
                "entropy": {"auc": 0.98, "auc_interval": [0.9, 1.0], "passed": True},
            },
        },
        "archive": [
            entry("r1c2", 0.45, 0.5, 0.9, **part(0.44, 0.28, 0.2)),
            entry("r2c1", 0.40, 0.3, 0.8, chosen=True),
            entry("r2c2", 0.20, 0.1, 0.6, **part(0.21, 0.1, 0.1)),
        ],
        "rounds": [
            {
                "candidates": [
                    tested("r1c1", "keep", chosen=True, outdone_by="loss-threshold"),
                    tested("r1c2", "other", chosen=False, outdone_by="loss-threshold"),
                ],
                "spread": {
                    "performance": noise(0.01, tells_apart=False),
                    "net": noise(0.05, tells_apart=True),
                    "reader": noise(0.03, tells_apart=True),
                },
            },
            {
                "candidates": [
                    tested("r2c1", "keep", chosen=False, outdone_by=None),
                    tested("r2c2", "other", chosen=True, outdone_by=None),
                ],
                "spread": {
                    "performance": noise(0.02, tells_apart=False),
                    "net": noise(0.07, tells_apart=True),
                    "reader": noise(0.01, tells_apart=False),
                },
            },
        ],
        "selection": {
            "performance": "accuracy",
            "attackers": {"net": {"weight": 1.0}, "reader": {"weight": 1.0}},
            "bound": "careful",
            "also_audit": [],
        },
        "defences": {},
        "selection_gap": {
            "membership": {
                "select": {
                    "attacker": "net",
                    "advantage": 0.1,
                    "advantage_interval": [0.05, 0.15],
                    "outdone_by": None,
                },
                "audit": {
                    "attacker": "loss",
                    "advantage": 0.2,
                    "advantage_interval": [0.15, 0.25],
                },
                "gap": 0.1,
                "gap_interval": [0.03, 0.17],
                "selection": "understated",
            }
        },
        "gate": [
            {
                **gate,
                "measure": "accuracy",
                "at_least": 0.3,
                "value": 0.4,
                "held": 0.35,
                "passed": True,
                "baseline": {"value": 0.5, "held": 0.45, "passed": True},
            },
            {
                **gate,
                "measure": "membership.advantage",
                "at_most": 0.35,
                "value": 0.2,
                "held": 0.3,
                "passed": True,
                "baseline": {"value": 0.3, "held": 0.4, "passed": False},
            },
        ],
        "seconds": {"total": 61.0},
    }
