"""The samples of an audit, numbered as the model's outputs are."""

from pathlib import Path

import pytest
import torch
from torch import nn

from safecompress_core.errors import SpecError
from safecompress_core.host import Registry
from safecompress_core.preflight.audit_checks import check_audit_feasible
from tests.core.fixtures.audited_models import SPEC, logits_of, prepared, weights


def test_labels_are_numbered_as_the_model_has_them(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """By their names, so that data in another order are still asked for the right output."""
    names = [f"session {number}" for number in range(1, 15)]
    task = SPEC["task"] | {"labels": names[::-1]}  # type: ignore[operator]
    plain = prepared(weights(mlp, tmp_path), built_ins, tmp_path)
    audit = prepared(weights(mlp, tmp_path), built_ins, tmp_path, task=task)

    assert torch.equal(audit.dataset.labels, 13 - plain.dataset.labels)
    assert list(audit.dataset.classes) == names[::-1]


def test_labels_in_another_case_and_order_are_matched_by_name(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """What the model gets right is the same; the data card says what was taken for what."""
    names = [f"SESSION {number}" for number in range(14, 0, -1)]
    last = nn.Linear(16, 14)
    last.load_state_dict({name: one.flip(0) for name, one in mlp[3].state_dict().items()})
    turned = nn.Sequential(*mlp[:3], last)
    task = SPEC["task"] | {"labels": names}  # type: ignore[operator]
    plain = prepared(weights(mlp, tmp_path), built_ins, tmp_path)
    inputs = torch.as_tensor(plain.dataset.inputs[torch.arange(len(plain.dataset))])
    right = mlp(inputs).argmax(1) == plain.dataset.labels

    audit = prepared(weights(turned, tmp_path), built_ins, tmp_path, task=task)
    _, network = check_audit_feasible(audit)

    assert torch.equal(logits_of(network, inputs).argmax(1) == audit.dataset.labels, right)
    assert "label 'session 1' is the model's 'SESSION 1'" in audit.dataset.notes


def test_a_label_that_the_model_does_not_know_is_refused(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """By name, before anything is attacked."""
    task = SPEC["task"] | {"labels": [f"session {n}" for n in range(1, 14)]}  # type: ignore[operator]
    audit = prepared(weights(mlp, tmp_path), built_ins, tmp_path, task=task)

    with pytest.raises(SpecError, match="labels that the model has no output for: 'session 14'"):
        check_audit_feasible(audit)
