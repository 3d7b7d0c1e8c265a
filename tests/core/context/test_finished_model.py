"""Finished models in every format, as attackers meet them."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from safecompress_core.api import Access
from safecompress_core.attacks.observations import observe
from safecompress_core.errors import AccessError, ModelError, StorageError
from safecompress_core.games.controls.planted_control import plant_leak
from safecompress_core.host import Registry
from safecompress_core.preflight.audit_checks import check_audit_feasible
from safecompress_core.saved_models.load import load_classifier
from safecompress_core.saved_models.model_format import Format
from tests.core.fixtures.audited_models import (
    CLOSED,
    FORMATS,
    SAMPLE,
    SPEC,
    Write,
    exported,
    guarded_file,
    logits_of,
    onnx,
    prepared,
    torchscript,
)


@pytest.mark.slow
@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
def test_every_format_answers_as_its_weights_do(
    write: Write, mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """Held against the module itself, so every black-box score is the same."""
    audit = prepared(write(mlp, tmp_path), built_ins, tmp_path)
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(50)])

    _, network = check_audit_feasible(audit)

    torch.testing.assert_close(logits_of(network, inputs), mlp(inputs), rtol=0, atol=1e-5)


@pytest.mark.parametrize("write", [exported, onnx], ids=lambda write: write.__name__)
def test_a_model_for_a_fixed_number_of_samples_is_asked_for_as_many(
    write: Callable[..., Path], mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """The last ones are padded, and no answer to padding is left."""
    audit = prepared(write(mlp, tmp_path, batch=4), built_ins, tmp_path)
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(10)])

    _, network = check_audit_feasible(audit)

    torch.testing.assert_close(logits_of(network, inputs), mlp(inputs), rtol=0, atol=1e-5)


@pytest.mark.parametrize("write", CLOSED, ids=lambda write: write.__name__)
def test_a_model_of_answers_shows_nothing_of_its_inside(
    write: Write, mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """Even an attacker that nobody has stopped before."""
    audit = prepared(write(mlp, tmp_path), built_ins, tmp_path)
    _, network = check_audit_feasible(audit)

    seen = observe(network, SAMPLE, torch.zeros(3, dtype=torch.int64))

    assert seen.access is Access.BLACK_BOX
    with pytest.raises(AccessError):
        seen.restrict(Access.GRAY_BOX)
    with pytest.raises(AccessError):
        _ = seen.hidden


def test_a_copy_of_a_sealed_model_can_be_made_to_leak(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """The planted-leak control needs that, and the model itself stays as it is."""
    _, network = check_audit_feasible(prepared(exported(mlp, tmp_path), built_ins, tmp_path))
    inputs, labels = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])

    leaky = plant_leak(network, inputs, labels, torch.tensor([True, True, False, False]))

    assert (logits_of(leaky, inputs).argmax(1) == labels).tolist() == [True, True, False, False]
    torch.testing.assert_close(logits_of(network, inputs), mlp(inputs), rtol=0, atol=1e-5)


def test_probabilities_are_declared_and_give_the_same_posteriors(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """Softmax of the logarithms of probabilities are the probabilities."""
    path = torchscript(nn.Sequential(mlp, nn.Softmax(dim=1)), tmp_path)
    task = SPEC["task"] | {"answers": "probabilities"}  # type: ignore[operator]
    audit = prepared(path, built_ins, tmp_path, task=task)
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(50)])

    _, network = check_audit_feasible(audit)

    found = logits_of(network, inputs).softmax(1)
    torch.testing.assert_close(found, mlp(inputs).softmax(1), rtol=0, atol=1e-6)


def test_a_guard_in_the_file_stands_before_the_answers(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """For whoever can only ask: its labels are the network's, and its posteriors are not."""
    audit = prepared(guarded_file(mlp, tmp_path, built_ins), built_ins, tmp_path)
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(50)])

    finished, network = check_audit_feasible(audit)

    seen = observe(network, inputs, torch.zeros(50, dtype=torch.int64))
    asked = seen.restrict(Access.BLACK_BOX)
    held = seen.restrict(Access.WHITE_BOX)
    torch.testing.assert_close(held.logits, mlp(inputs), rtol=0, atol=1e-5)
    shipped = load_classifier(audit.given.path, registry=built_ins)
    assert len(shipped.classes) == 14
    torch.testing.assert_close(shipped(inputs), asked.logits)
    assert torch.equal(asked.predictions, held.predictions)
    assert not torch.equal(asked.posteriors, held.posteriors)
    assert finished.sizes["parameters"] == sum(one.numel() for one in mlp.parameters())


def test_weights_of_another_architecture_are_refused_by_name(
    built_ins: Registry, tmp_path: Path
) -> None:
    """What is missing, what is there besides, and which shapes differ."""
    other = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 14))
    state = {name: one for name, one in other.state_dict().items() if name != "3.bias"}
    save_file(state | {"extra": torch.ones(1)}, tmp_path / "other.safetensors")
    audit = prepared(tmp_path / "other.safetensors", built_ins, tmp_path)

    with pytest.raises(ModelError) as refused:
        check_audit_feasible(audit)

    for part in ("it lacks 3.bias", "it also has extra", "1.weight (20, 64) for (16, 64)"):
        assert part in str(refused.value)


def test_percentages_are_attacked_as_posteriors(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """The data card says that they were divided."""

    class Percent(nn.Module):
        def forward(self, logits: Tensor) -> Tensor:
            return logits.softmax(1) * 100

    task = SPEC["task"] | {"answers": "probabilities"}  # type: ignore[operator]
    path = torchscript(nn.Sequential(mlp, Percent()), tmp_path)
    audit = prepared(path, built_ins, tmp_path, task=task)
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(50)])

    finished, network = check_audit_feasible(audit)

    found = logits_of(network, inputs).softmax(1)
    torch.testing.assert_close(found, mlp(inputs).softmax(1), rtol=0, atol=1e-6)
    assert finished.notes == ("the model's answers are percentages, divided by 100",)


def test_the_density_of_a_plain_file_is_that_of_its_weights(
    mlp: nn.Sequential, built_ins: Registry, tmp_path: Path
) -> None:
    """Weights that are 0 are not there; biases count among all parameters."""
    state = {name: one.clone() for name, one in mlp.state_dict().items()}
    state["1.weight"][:8] = 0
    save_file(state, tmp_path / "half.safetensors")

    finished, _ = check_audit_feasible(prepared(tmp_path / "half.safetensors", built_ins, tmp_path))

    weights_, total = 64 * 16 + 16 * 14, 64 * 16 + 16 + 16 * 14 + 14
    assert finished.sizes["density"] == (weights_ - 8 * 64) / weights_
    assert finished.sizes["active"] == total - 8 * 64
    assert finished.sizes["parameters"] == total


class Thief:
    """Would run code if it were unpickled."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self._target,))


def test_the_example_inputs_of_an_exported_program_are_not_unpickled(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """Torch would: it tries to load them as tensors, and then as anything."""
    mark, stuffed = tmp_path / "was-here", io.BytesIO()
    torch.save(Thief(mark), stuffed)
    path = exported(mlp, tmp_path)
    with zipfile.ZipFile(path) as archive:
        entries = {one.filename: archive.read(one) for one in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            is_sample = "/data/sample_inputs/" in name
            archive.writestr(name, stuffed.getvalue() if is_sample else content)

    check_audit_feasible(prepared(path, built_ins, tmp_path))

    assert not mark.exists()
    torch.load(io.BytesIO(stuffed.getvalue()), weights_only=False)
    assert mark.exists(), "the trap works"


def test_an_exported_program_with_pickled_weights_is_refused(
    mlp: nn.Module, built_ins: Registry, tmp_path: Path
) -> None:
    """Its own table of contents says which are."""
    path = exported(mlp, tmp_path)
    with zipfile.ZipFile(path) as archive:
        entries = {one.filename: archive.read(one) for one in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            is_table = name.endswith("weights_config.json")
            swapped = content.replace(b'"use_pickle":false', b'"use_pickle":true')
            swapped = swapped.replace(b'"use_pickle": false', b'"use_pickle": true')
            archive.writestr(name, swapped if is_table else content)

    with pytest.raises(StorageError, match="is pickled, and nothing is ever unpickled"):
        check_audit_feasible(prepared(path, built_ins, tmp_path))


def test_a_file_that_is_no_onnx_is_refused_with_the_reason(
    built_ins: Registry, tmp_path: Path
) -> None:
    """That of ONNX Runtime."""
    pytest.importorskip("onnxruntime")
    path = tmp_path / "model.onnx"
    path.write_bytes(b"hello")

    with pytest.raises(StorageError, match="cannot be loaded as an ONNX model"):
        check_audit_feasible(prepared(path, built_ins, tmp_path))


@pytest.mark.slow
def test_a_hugging_face_folder_answers_as_its_model(built_ins: Registry, tmp_path: Path) -> None:
    """With white-box access, and the names of its labels; a folder without its head is refused."""
    try:  # torchvision, which it imports where there is one, may be built for another torch
        from transformers import ViTConfig, ViTForImageClassification
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"transformers cannot be imported: {error}")
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=8,
        patch_size=4,
        num_channels=1,
        num_labels=14,
    )
    torch.manual_seed(1)
    model = ViTForImageClassification(config).eval()
    model.save_pretrained(tmp_path / "vit")
    task = {
        "data": {"type": "handwriting"},
        "model": {"type": "huggingface", "path": str(tmp_path / "vit"), "reads": "images"},
    }
    audit = prepared(tmp_path / "vit", built_ins, tmp_path, task=task)
    assert audit.given.format is Format.HUGGINGFACE
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(20)])

    _, network = check_audit_feasible(audit)

    assert network.access is Access.WHITE_BOX
    answers = model(pixel_values=inputs).logits
    torch.testing.assert_close(logits_of(network, inputs), answers, rtol=0, atol=1e-5)

    model.base_model.save_pretrained(tmp_path / "vit")
    with pytest.raises(ModelError, match="has no weights of the right size for .*classifier"):
        check_audit_feasible(prepared(tmp_path / "vit", built_ins, tmp_path, task=task))
