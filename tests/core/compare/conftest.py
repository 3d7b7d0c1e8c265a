"""Runs that never were, small enough to work out by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from safecompress_core.compare.comparison_table import FinishedVariant
from safecompress_core.compare.training_cost import TrainingCost
from safecompress_core.results.schema import (
    ControlsRecord,
    ModelAuditRecord,
    PoolRecord,
    RoundRecord,
    SecondsRecord,
)
from tests.core.fixtures.records import (
    attack_record,
    estimate,
    membership_record,
    model_record,
)
from tests.core.fixtures.results import run_results


def point(max_fpr: float, tpr: float | None) -> dict[str, Any]:
    """A true-positive rate; None where the pool cannot resolve it."""
    if tpr is None:
        return {"max_fpr": max_fpr, "tpr": None, "note": "too few", "non_members": 10}
    return {
        "max_fpr": max_fpr,
        "tpr": tpr,
        "interval": (0, 1),
        "fpr": 0.0,
        "fpr_interval": (0, 1),
        "threshold": 0.0,
        "true_positives": 1,
        "false_positives": 0,
        "members": 10,
        "non_members": 10,
    }


def part(accuracy: float, mia: float, *, auc: float, density: float, size: int) -> ModelAuditRecord:
    """One model's part of a run's results: two attacks on members, one on an attribute."""
    advantage = max(0.0, 2 * mia - 1)
    return ModelAuditRecord(
        model=model_record(
            density, model_density=density / 2 + 0.5, sparsifiable=0.5, file_bytes=size
        ),
        metrics={"accuracy": estimate(accuracy)},
        audit={
            "loss": membership_record(
                advantage,
                accuracy=mia,
                auc=auc,
                operating_points=[point(0.1, 0.3), point(0.01, 0.05)],
            ),
            "gap": membership_record(
                advantage / 2,
                accuracy=mia - 0.1,
                auc=auc - 0.1,
                operating_points=[point(0.01, None)],
            ),
            "probe": attack_record("attribute", 0.1, accuracy=0.9, lift=0.2),
        },
    )


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
        rounds: tuple[RoundRecord, ...] = (),
        is_plain: bool = False,
        budget: float | None = None,
        trainings: float = 1.0,
    ) -> FinishedVariant:
        own = 1.0 if density is None else density
        return FinishedVariant(
            variant=variant,
            method=variant.partition("-")[0],
            density=density,
            budget=budget,
            seed=seed,
            is_plain=is_plain,
            cost=TrainingCost(trainings, round(100 * trainings)),
            plain_cost=TrainingCost(1.0, 100),
            results=run_results().model_copy(
                update={
                    **dict(part(accuracy, mia, auc=mia + 0.05, density=own, size=int(1000 * own))),
                    "baseline": part(0.5, 0.8, auc=0.85, density=1.0, size=1000),
                    "seconds": SecondsRecord(
                        baseline=2.0,
                        compress=seconds,
                        compress_cpu=seconds / 2,
                        audit=0.0,
                        total=2.0 + seconds,
                    ),
                    "gate": (),
                    "controls": ControlsRecord(null={}, planted={}),
                    "pools": {"audit": PoolRecord(members=10, non_members=10, fingerprint=pool)},
                    "rounds": rounds,
                    "archive": (),
                }
            ),
        )

    return make
