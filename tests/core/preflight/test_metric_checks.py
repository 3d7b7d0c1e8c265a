"""Metrics that cannot measure what a spec has."""

from collections.abc import Callable
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import SpecError
from safecompress_core.preflight.run_checks import require_feasible

Prepare = Callable[..., RunContext]


def test_groups_that_are_all_too_small_are_refused_at_their_place(prepare: Prepare) -> None:
    """With file, line and column, before any training."""
    metrics: list[Any] = [{"type": "accuracy"}, {"type": "worst-group", "attribute": "digit"}]
    run_context = prepare(metrics=metrics, pools={"members": 0.5, "audit": 0.05, "select": 0.55})

    with pytest.raises(SpecError, match=r"metrics\.1\.attribute: .* groups by 'digit'"):
        require_feasible(run_context)


def test_a_run_needs_a_metric_to_choose_by(prepare: Prepare) -> None:
    """Bytes of a file are no mean over samples."""
    with pytest.raises(SpecError, match="there is no performance to choose by"):
        require_feasible(prepare(metrics=[{"type": "file-bytes"}]))
