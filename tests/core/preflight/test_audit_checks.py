"""Audits that cannot work, refused before the first attack."""

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.errors import ModelError, SpecError
from safecompress_core.host import Registry
from safecompress_core.preflight.audit_checks import check_audit_feasible
from tests.core.fixtures.audited_models import SPEC, Write, exported, prepared, torchscript, weights

OTHER_ANSWERS = {
    "logits": "every answer of the model is a distribution, so these are no logits",
    "probabilities": "the model does not answer with probabilities: its answers are between -",
}


@pytest.mark.parametrize("declared", OTHER_ANSWERS)
def test_the_other_kind_of_answers_is_refused(
    declared: str, mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """At the field that says it; a softmax over probabilities would flatten every signal."""
    module = nn.Sequential(mlp, nn.Softmax(dim=1)) if declared == "logits" else mlp
    task = SPEC["task"] | {"answers": declared}  # type: ignore[operator]
    audit = prepared(torchscript(module, tmp_path), built_ins, tmp_path, task=task)

    with pytest.raises(SpecError) as refused:
        check_audit_feasible(audit)

    assert f"task.answers: {OTHER_ANSWERS[declared]}" in str(refused.value)


class Broken(nn.Module):
    """Answers with NaN where a pixel is dark enough."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C)."""
        is_dark = inputs.flatten(1)[:, 20:21] == 0
        return torch.where(is_dark, torch.nan, self.inner(inputs))


def test_answers_that_are_not_finite_are_refused(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """With how many, and which is the first; before any attack."""
    audit = prepared(torchscript(Broken(mlp), tmp_path), built_ins, tmp_path)
    pixel = torch.as_tensor(audit.dataset.inputs[torch.arange(len(audit.dataset))]).flatten(1)
    dark = (pixel[:, 20] == 0).nonzero()[:, 0]

    with pytest.raises(ModelError) as refused:
        check_audit_feasible(audit)

    count = f"answers to {len(dark)} of {len(audit.dataset)} samples are not finite"
    assert count in str(refused.value)
    assert f"the first is sample {int(dark[0])}" in str(refused.value)


def test_another_number_of_answers_than_labels_is_refused(
    built_ins: Registry, tmp_path: Path
) -> None:
    """Labels of the data without an output would be outside of the model's range."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    audit = prepared(torchscript(module, tmp_path), built_ins, tmp_path)

    with pytest.raises(ModelError, match=r"shape \(256, 10\), and the data have 14 labels"):
        check_audit_feasible(audit)


def test_samples_that_a_model_cannot_take_are_refused(built_ins: Registry, tmp_path: Path) -> None:
    """With its own reason, shortened."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 14)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(module, torch.zeros(2, 16)), tmp_path / "other.pt")
    audit = prepared(tmp_path / "other.pt", built_ins, tmp_path)

    with pytest.raises(ModelError, match=r"cannot be asked about 256 samples of shape \(1, 8, 8\)"):
        check_audit_feasible(audit)


def test_weights_without_an_architecture_are_refused(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """A file of our own says it; anybody else's does not."""
    task = {"data": {"type": "handwriting"}}
    audit = prepared(weights(mlp, tmp_path), built_ins, tmp_path, task=task)

    with pytest.raises(SpecError, match="nothing says of what architecture; write it as task.mod"):
        check_audit_feasible(audit)


@pytest.mark.parametrize("write", [exported, torchscript])
@pytest.mark.parametrize("layer", [nn.Dropout(0.3), nn.BatchNorm1d(16)], ids=["dropout", "batch"])
def test_a_file_exported_in_train_mode_is_refused(
    write: Write, layer: nn.Module, mlp: nn.Sequential, built_ins: Registry, tmp_path: Path
) -> None:
    """Nothing can turn it to eval mode any more."""
    module = nn.Sequential(*mlp[:3], layer, mlp[3]).train()
    audit = prepared(write(module, tmp_path), built_ins, tmp_path)

    with pytest.raises(ModelError, match="as in train mode") as refused:
        check_audit_feasible(audit)
    assert "call model.eval()" in str(refused.value)


def test_sigmoids_are_no_logits(mlp: nn.Module, built_ins: Registry, tmp_path: Path) -> None:
    """Whatever the spec says of them; logits are never advised."""
    for answers in ("logits", "probabilities"):
        task = SPEC["task"] | {"answers": answers}  # type: ignore[operator]
        path = torchscript(nn.Sequential(mlp, nn.Sigmoid()), tmp_path)
        with pytest.raises(SpecError, match=r"labels one by one \(sigmoids") as refused:
            check_audit_feasible(prepared(path, built_ins, tmp_path, task=task))
        assert "answers: logits" not in str(refused.value)


@pytest.mark.parametrize("metric", ["macs", "peak-memory"])
def test_operations_of_a_model_that_only_answers_cannot_be_counted(
    metric: str, built_ins: Registry, tmp_path: Path
) -> None:
    """Its latency and its bytes can be measured."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"never read")
    measures = [{"type": name} for name in ("accuracy", "latency", "file-bytes", metric)]
    audit = prepared(path, built_ins, tmp_path, metrics=measures)

    with pytest.raises(SpecError) as refused:
        check_audit_feasible(audit)
    (problem,) = refused.value.problems
    assert str(problem).partition(": metrics.3.type: ")[2] == (
        f"{metric!r} needs parameters; an ONNX model gives black-box access only; "
        "take it out, or audit the model's state dict"
    )


@pytest.mark.parametrize(
    ("attacker", "needs"),
    [
        ("neural-whitebox", "'neural-whitebox' needs parameters; an ONNX model gives black-box"),
        ("samia", "'samia' needs answers to inputs of its own making; an ONNX model gives black"),
    ],
)
def test_an_attacker_without_the_access_it_needs_is_refused(
    attacker: str, needs: str, mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """Before the samples are loaded."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"never read")
    judges = {"attackers": [{"type": attacker}]}
    audit = prepared(path, built_ins, tmp_path, audit=judges)

    with pytest.raises(SpecError, match=needs):
        check_audit_feasible(audit)

    assert "original" not in vars(audit)


def test_an_attacker_that_also_sees_the_uncompressed_model_is_refused(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """There is none."""
    judges = {"attackers": [{"type": "compression-difference"}]}
    audit = prepared(weights(mlp, tmp_path), built_ins, tmp_path, audit=judges)

    with pytest.raises(SpecError, match="also sees the uncompressed model, and there is none"):
        check_audit_feasible(audit)


def test_predictions_have_no_size(built_ins: Registry, tmp_path: Path) -> None:
    """A gate and a metric of it are refused, each at its place."""
    rows = [f"{n % 2},{n < 40},{0.3 + n % 2 * 0.4},{0.7 - n % 2 * 0.4}" for n in range(80)]
    path = tmp_path / "predictions.csv"
    path.write_text("\n".join(["label,member,p_0,p_1", *rows]))
    audit = prepared(
        path,
        built_ins,
        tmp_path,
        task={"data": {"type": "predictions", "path": str(path)}, "answers": "auto"},
        pools={"members": "given"},
        gate=[{"measure": "model.file_bytes", "at_most": 100}],
    )

    with pytest.raises(SpecError) as caught:
        check_audit_feasible(audit)

    fields = [problem.path for problem in caught.value.problems]
    assert fields == ["gate.0.measure", "metrics.1.type"]
    assert all("unknown of a file of predictions" in str(one) for one in caught.value.problems)
