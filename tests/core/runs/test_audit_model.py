"""An audit, from a finished model to results."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from safecompress_core.host import Registry
from safecompress_core.report.verdict import verdict_word
from safecompress_core.runs.audit_model import audit_model
from safecompress_core.runs.run import FinishedRun
from safecompress_core.saved_models.model_format import detect_model
from tests.core.fixtures.audited_models import prepared, weights


def audited(
    path: Path, built_ins: Registry, folder: Path, events: list[Mapping[str, Any]]
) -> FinishedRun:
    """The audit of a model by one simple attack."""
    context = prepared(path, built_ins, folder, audit={"attackers": [{"type": "gap"}]})
    given = detect_model(path, allow_code=False)
    return audit_model(
        given, context.loaded, built_ins, runs=folder / "runs", observers=events.append
    )


def test_a_model_is_measured_on_non_members_and_attacked(
    mlp: nn.Sequential, built_ins: Registry, tmp_path: Path
) -> None:
    """Held against the network itself; there is no uncompressed model beside it."""
    path = weights(mlp, tmp_path)
    context = prepared(path, built_ins, tmp_path)
    rows = context.pools.audit.non_members
    with torch.no_grad():
        guesses = mlp(torch.as_tensor(context.dataset.inputs[rows])).argmax(dim=1)
    expected = (guesses == context.dataset.labels[rows]).double().mean()
    events: list[Mapping[str, Any]] = []

    first = audited(path, built_ins, tmp_path, events)

    results = first.results
    assert first.is_new
    assert results.metrics["accuracy"].value == pytest.approx(float(expected))
    assert list(results.audit) == ["gap"]
    assert results.baseline is None
    assert results.origin is not None
    assert results.origin.format == "state dict"
    assert [event["event"] for event in events][:1] == ["run_started"]
    assert events[-1]["event"] == "run_finished"

    again = audited(path, built_ins, tmp_path, told := [])
    assert (again.is_new, again.path, told) == (False, first.path, [])


def test_another_model_gets_another_directory(
    mlp: nn.Sequential, built_ins: Registry, tmp_path: Path
) -> None:
    """Though the spec is the same, letter by letter."""
    path = weights(mlp, tmp_path)
    first = audited(path, built_ins, tmp_path, [])
    with torch.no_grad():
        mlp[1].weight.mul_(1.5)

    second = audited(weights(mlp, tmp_path), built_ins, tmp_path, [])

    assert second.is_new
    assert second.path.name != first.path.name
    assert second.path.parent == first.path.parent


@pytest.mark.parametrize("accept", [False, True])
def test_members_of_other_sessions_void_an_audit_unless_the_spec_accepts_it(
    mlp: nn.Sequential, built_ins: Registry, tmp_path: Path, *, accept: bool
) -> None:
    """The earlier half of the digits as members: handwriting differs without any model."""
    path = weights(mlp, tmp_path)
    digits = load_digits()
    is_member = np.arange(len(digits.target)) < len(digits.target) // 2
    np.savez(
        tmp_path / "sessions.npz",
        inputs=(digits.images[:, None] / 16).astype(np.float32),
        # Fourteen labels, as the network has outputs.
        labels=np.arange(len(digits.target)) % 14,
        members=is_member,
    )
    context = prepared(
        path,
        built_ins,
        tmp_path,
        task={
            "data": {
                "type": "numpy",
                "path": str(tmp_path / "sessions.npz"),
                "members": "members",
            },
            "model": {"type": "mlp", "hidden": [16]},
        },
        pools={},
        audit={"attackers": [{"type": "loss-threshold"}], "accept_shift": accept},
    )
    events: list[Mapping[str, Any]] = []

    finished = audit_model(
        detect_model(path, allow_code=False),
        context.loaded,
        built_ins,
        runs=tmp_path / "runs",
        observers=events.append,
    )

    blind = finished.results.blind_baseline
    assert blind is not None
    assert (blind.shifted, blind.accepted) == (True, accept)
    warning = events[0]["data"]["warnings"][-1]
    assert ("verdict on membership will be VOID" in warning) is not accept
    assert events[-1]["void"] == ([] if accept else ["members are shifted"])
    assert verdict_word(finished.results) == ("NO GATES" if accept else "VOID")
