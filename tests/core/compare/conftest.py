"""Runs that never were, small enough to work out by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from safecompress_core.compare.comparison_table import FinishedVariant


def part(accuracy: float, mia: float, *, auc: float, density: float, size: int) -> dict[str, Any]:
    """One model's part of a run's results: two attacks on members, one on an attribute."""
    advantage = max(0.0, 2 * mia - 1)
    member = {"game": "membership", "advantage_interval": [0, 1], "auc_interval": [0, 1]}
    rates = [{"max_fpr": 0.1, "tpr": 0.3}, {"max_fpr": 0.01, "tpr": 0.05}]
    return {
        "model": {
            "density": density,
            "model_density": density / 2 + 0.5,
            "sparsifiable": 0.5,
            "file_bytes": size,
        },
        "metrics": {"accuracy": {"value": accuracy, "interval": [0, 1]}},
        "audit": {
            "loss": {
                **member,
                "accuracy": mia,
                "accuracy_interval": [0, 1],
                "advantage": advantage,
                "auc": auc,
                "operating_points": rates,
            },
            "gap": {
                **member,
                "accuracy": mia - 0.1,
                "accuracy_interval": [0, 1],
                "advantage": advantage / 2,
                "auc": auc - 0.1,
                "operating_points": [{"max_fpr": 0.01, "tpr": None}],
            },
            "probe": {
                "game": "attribute",
                "accuracy": 0.9,
                "advantage": 0.1,
                "advantage_interval": [0, 1],
                "lift": 0.2,
                "lift_interval": [0, 1],
            },
        },
    }


@pytest.fixture
def done() -> Callable[..., FinishedVariant]:
    """Makes a finished run."""

    def make(
        variant: str = "prune",
        *,
        seed: int = 1,
        density: float | None = 0.1,
        accuracy: float = 0.4,
        mia: float = 0.6,
        seconds: float = 4.0,
        pool: str = "abc",
        rounds: tuple[dict[str, Any], ...] = (),
        is_plain: bool = False,
    ) -> FinishedVariant:
        own = 1.0 if density is None else density
        return FinishedVariant(
            variant=variant,
            method=variant.partition("-")[0],
            density=density,
            seed=seed,
            is_plain=is_plain,
            results={
                **part(accuracy, mia, auc=mia + 0.05, density=own, size=int(1000 * own)),
                "baseline": part(0.5, 0.8, auc=0.85, density=1.0, size=1000),
                "selection": {"performance": "accuracy"},
                "seconds": {"baseline": 2.0, "compress": seconds},
                "gate": [],
                "controls": {"null": {}, "planted": {}},
                "pools": {"audit": {"fingerprint": pool}},
                "rounds": list(rounds),
            },
        )

    return make
