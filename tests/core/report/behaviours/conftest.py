"""Results in which compression changed some behaviours."""

from typing import Any

import pytest

from safecompress_core.results.schema import BehaviourRecord, ChangeVerdict, Results
from tests.core.fixtures.page_results import page_results
from tests.core.fixtures.records import estimate


def behaviour(
    name: str, before: float, after: float, verdict: ChangeVerdict, **values: Any
) -> BehaviourRecord:
    """A metric's row; higher is better unless the values say otherwise."""
    content: dict[str, Any] = {
        "kind": "metric",
        "higher": "better",
        "retrained": (),
        "relative": False,
    }
    return BehaviourRecord(
        name=name,
        before=estimate(before),
        after=estimate(after),
        change=estimate(after - before),
        verdict=verdict,
        **(content | values),
    )


@pytest.fixture
def results() -> Results:
    """Accuracy fell, calibration error rose, and sharpness is undecided."""
    rows = (
        behaviour(
            "accuracy",
            0.9,
            0.8,
            "changed beyond training noise",
            retrained=(estimate(0.01), estimate(-0.02)),
        ),
        behaviour("ece", 0.05, 0.02, "changed beyond training noise", higher="worse"),
        behaviour("gap", 0.1, 0.12, "within noise", higher="worse"),
        behaviour("sharpness", 11, 2, "cannot tell", higher="worse"),
    )
    share = {"samples": 10, "value": 0.3, "interval": [0.1, 0.6]}
    details = {
        "ece": {"reliability": [{"confidence": 0.7, "accuracy": 0.6, "samples": 9}]},
        "worst-group": {
            "left_out": [{"name": "rare", "samples": 4}, {"name": "b", "samples": 2, "label": "x"}]
        },
        "flips": {
            "shares": {"members": share, "non_members": share, "exposed_members": share},
            "changes": {"now wrong": 2, "now right": 1, "another wrong answer": 0},
            "samples": [
                {"index": row, "member": True, "exposed": row == 7, "change": "now wrong"}
                for row in range(40)
            ],
        },
    }
    content = page_results() | {"details": details}
    content["behaviours"] = [row.to_json() for row in rows]
    return Results.model_validate(content)
