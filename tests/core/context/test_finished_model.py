"""Finished models in every format, as attackers meet them."""

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from safecompress_core.api import Access, Kind
from safecompress_core.attacks.observations import observe
from safecompress_core.context.audit_context import AuditContext
from safecompress_core.errors import AccessError, ModelError, SpecError, StorageError
from safecompress_core.games.controls.planted_control import plant_leak
from safecompress_core.host import Registry, load_plugins
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.audit_checks import check_audit_feasible
from safecompress_core.saved_models.load import load_classifier
from safecompress_core.saved_models.model_format import Format, detect_model
from safecompress_core.saved_models.rebuild import component
from safecompress_core.saved_models.storage import load_model, save_model
from safecompress_core.sparse.topology import Topology
from safecompress_core.specfile.load import load_audit_spec

SPEC = {
    "version": 1,
    "kind": "audit",
    "name": "formats",
    "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [16]}},
    "pools": {"members": 0.5},
    "audit": {"attackers": [{"type": "loss-threshold"}]},
}
SAMPLE = torch.zeros(3, 1, 8, 8)

Write = Callable[[nn.Module, Path], Path]


@pytest.fixture(scope="module")
def registry() -> Registry:
    """Everything that is built in."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


@pytest.fixture(scope="module")
def mlp() -> nn.Sequential:
    """A network of the spec's architecture whose answers are far from even."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 14)).eval()
    with torch.no_grad():
        layers[3].weight.mul_(8)
    return layers


def weights(module: nn.Module, folder: Path) -> Path:
    """A plain state dict."""
    save_file(module.state_dict(), folder / "weights.safetensors")
    return folder / "weights.safetensors"


def own_file(module: nn.Module, folder: Path) -> Path:
    """The file that a run leaves behind."""
    state = module.state_dict()
    masks = {name: torch.ones_like(state[name]).bool() for name in ("1.weight", "3.weight")}
    model_metadata = {
        "model": {"type": "mlp", "hidden": [16]},
        "input_shape": [1, 8, 8],
        "classes": [f"session {number}" for number in range(1, 15)],
    }
    save_model(folder / "own.safetensors", state, Topology.from_masks(masks), model_metadata)
    return folder / "own.safetensors"


def exported(module: nn.Module, folder: Path, *, batch: int | None = None) -> Path:
    """An exported program; for a fixed number of samples if one is given."""
    sample = SAMPLE if batch is None else torch.zeros(batch, 1, 8, 8)
    shapes = ({0: torch.export.Dim.DYNAMIC},) if batch is None else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, (sample,), dynamic_shapes=shapes)
        torch.export.save(program, folder / "program.pt2")
    return folder / "program.pt2"


def torchscript(module: nn.Module, folder: Path) -> Path:
    """A traced module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(module, SAMPLE), folder / "script.pt")
    return folder / "script.pt"


def onnx(module: nn.Module, folder: Path, *, batch: int | None = None) -> Path:
    """An ONNX file, as torch writes it."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    sample = SAMPLE if batch is None else torch.zeros(batch, 1, 8, 8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (sample,),
            folder / "model.onnx",
            dynamo=True,
            dynamic_shapes=({0: "samples"},) if batch is None else None,
            verbose=False,
        )
    return folder / "model.onnx"


FORMATS = [weights, own_file, exported, torchscript, onnx]
CLOSED = [exported, torchscript, onnx]


def prepared(path: Path, registry: Registry, folder: Path, **changes: Any) -> AuditContext:
    """An audit of a model; ``task`` and others replace what the spec says."""
    spec = folder / "audit.yaml"
    spec.write_text(json.dumps(SPEC | changes))
    given = detect_model(path, allow_code=True)
    loaded = load_audit_spec(spec, registry=registry)
    return AuditContext(loaded, registry, given)


def logits_of(network: Classifier, inputs: Tensor) -> Tensor:
    """What attackers see of a network with the access that it gives."""
    return observe(network, inputs, torch.zeros(len(inputs), dtype=torch.int64)).logits


@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
def test_every_format_answers_as_its_weights_do(
    write: Write, mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """Held against the module itself, so every black-box score is the same."""
    audit = prepared(write(mlp, tmp_path), registry, tmp_path)
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(50)])

    _, network = check_audit_feasible(audit)

    torch.testing.assert_close(logits_of(network, inputs), mlp(inputs), rtol=0, atol=1e-5)


@pytest.mark.parametrize("write", [exported, onnx], ids=lambda write: write.__name__)
def test_a_model_for_a_fixed_number_of_samples_is_asked_for_as_many(
    write: Callable[..., Path], mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """The last ones are padded, and no answer to padding is left."""
    audit = prepared(write(mlp, tmp_path, batch=4), registry, tmp_path)
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(10)])

    _, network = check_audit_feasible(audit)

    torch.testing.assert_close(logits_of(network, inputs), mlp(inputs), rtol=0, atol=1e-5)


@pytest.mark.parametrize("write", CLOSED, ids=lambda write: write.__name__)
def test_a_model_of_answers_shows_nothing_of_its_inside(
    write: Write, mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """Even an attacker that nobody has stopped before."""
    audit = prepared(write(mlp, tmp_path), registry, tmp_path)
    _, network = check_audit_feasible(audit)

    seen = observe(network, SAMPLE, torch.zeros(3, dtype=torch.int64))

    assert seen.access is Access.BLACK_BOX
    with pytest.raises(AccessError):
        seen.restrict(Access.GRAY_BOX)
    with pytest.raises(AccessError):
        _ = seen.hidden


def test_a_copy_of_a_sealed_model_can_be_made_to_leak(
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """The planted-leak control needs that, and the model itself stays as it is."""
    _, network = check_audit_feasible(prepared(exported(mlp, tmp_path), registry, tmp_path))
    inputs, labels = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 3])

    leaky = plant_leak(network, inputs, labels, torch.tensor([True, True, False, False]))

    assert (logits_of(leaky, inputs).argmax(1) == labels).tolist() == [True, True, False, False]
    torch.testing.assert_close(logits_of(network, inputs), mlp(inputs), rtol=0, atol=1e-5)


def test_probabilities_are_declared_and_give_the_same_posteriors(
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """Softmax of the logarithms of probabilities are the probabilities."""
    path = torchscript(nn.Sequential(mlp, nn.Softmax(dim=1)), tmp_path)
    task = SPEC["task"] | {"answers": "probabilities"}  # type: ignore[operator]
    audit = prepared(path, registry, tmp_path, task=task)
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(50)])

    _, network = check_audit_feasible(audit)

    found = logits_of(network, inputs).softmax(1)
    torch.testing.assert_close(found, mlp(inputs).softmax(1), rtol=0, atol=1e-6)


MEMGUARD = {"type": "memguard", "hidden": [8], "epochs": 20}


def guarded_file(module: nn.Module, folder: Path, registry: Registry, **guard: Any) -> Path:
    """The file of a model whose answers are guarded, and the guard."""
    plain = own_file(module, folder)
    stored = load_model(plain)
    params = component(registry, Kind.DEFENCE, MEMGUARD, allow_code=False)
    made = registry.create(params).make_guard(classes=14, generator=torch.Generator())
    model_metadata = stored.metadata | {"guard": params.model_dump(mode="json") | guard}
    path = folder / "guarded.safetensors"
    save_model(path, stored.state, stored.topology, model_metadata, guard=made.state_dict())
    return path


def test_a_guard_in_the_file_stands_before_the_answers(
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """For whoever can only ask: its labels are the network's, and its posteriors are not."""
    audit = prepared(guarded_file(mlp, tmp_path, registry), registry, tmp_path)
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(50)])

    finished, network = check_audit_feasible(audit)

    seen = observe(network, inputs, torch.zeros(50, dtype=torch.int64))
    asked = seen.restrict(Access.BLACK_BOX)
    held = seen.restrict(Access.WHITE_BOX)
    torch.testing.assert_close(held.logits, mlp(inputs), rtol=0, atol=1e-5)
    shipped = load_classifier(audit.given.path, registry=registry)
    assert len(shipped.classes) == 14
    torch.testing.assert_close(shipped(inputs), asked.logits)
    assert torch.equal(asked.predictions, held.predictions)
    assert not torch.equal(asked.posteriors, held.posteriors)
    assert finished.sizes["parameters"] == sum(one.numel() for one in mlp.parameters())


def test_a_guard_that_nobody_here_can_make_is_refused(
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """Without it the model would look leakier than it is to whoever asks."""
    plain = load_classifier(own_file(mlp, tmp_path), registry=registry)
    assert plain.guard is None
    torch.testing.assert_close(plain(SAMPLE), mlp(SAMPLE))
    for changed, reason in (
        ({"type": "unheard-of"}, "no defence 'unheard-of' is installed"),
        ({"hidden": [9]}, "size mismatch"),
    ):
        path = guarded_file(mlp, tmp_path, registry, **changed)
        with pytest.raises(StorageError, match="output guard cannot be made again") as refused:
            check_audit_feasible(prepared(path, registry, tmp_path))
        assert reason in str(refused.value)
        with pytest.raises(StorageError, match="output guard cannot be made again"):
            load_classifier(path, registry=registry)


OTHER_ANSWERS = {
    "logits": "every answer of the model is a distribution, so these are no logits",
    "probabilities": "the model does not answer with probabilities: its answers are between -",
}


@pytest.mark.parametrize("declared", OTHER_ANSWERS)
def test_the_other_kind_of_answers_is_refused(
    declared: str, mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """At the field that says it; a softmax over probabilities would flatten every signal."""
    module = nn.Sequential(mlp, nn.Softmax(dim=1)) if declared == "logits" else mlp
    task = SPEC["task"] | {"answers": declared}  # type: ignore[operator]
    audit = prepared(torchscript(module, tmp_path), registry, tmp_path, task=task)

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
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """With how many, and which is the first; before any attack."""
    audit = prepared(torchscript(Broken(mlp), tmp_path), registry, tmp_path)
    pixel = torch.as_tensor(audit.dataset.inputs[torch.arange(len(audit.dataset))]).flatten(1)
    dark = (pixel[:, 20] == 0).nonzero()[:, 0]

    with pytest.raises(ModelError) as refused:
        check_audit_feasible(audit)

    count = f"answers to {len(dark)} of {len(audit.dataset)} samples are not finite"
    assert count in str(refused.value)
    assert f"the first is sample {int(dark[0])}" in str(refused.value)


def test_another_number_of_answers_than_labels_is_refused(
    registry: Registry, tmp_path: Path
) -> None:
    """Labels of the data without an output would be outside of the model's range."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    audit = prepared(torchscript(module, tmp_path), registry, tmp_path)

    with pytest.raises(ModelError, match=r"shape \(256, 10\), and the data have 14 labels"):
        check_audit_feasible(audit)


def test_samples_that_a_model_cannot_take_are_refused(registry: Registry, tmp_path: Path) -> None:
    """With its own reason, shortened."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 14)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(module, torch.zeros(2, 16)), tmp_path / "other.pt")
    audit = prepared(tmp_path / "other.pt", registry, tmp_path)

    with pytest.raises(ModelError, match=r"cannot be asked about 256 samples of shape \(1, 8, 8\)"):
        check_audit_feasible(audit)


def test_weights_of_another_architecture_are_refused_by_name(
    registry: Registry, tmp_path: Path
) -> None:
    """What is missing, what is there besides, and which shapes differ."""
    other = nn.Sequential(nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 14))
    state = {name: one for name, one in other.state_dict().items() if name != "3.bias"}
    save_file(state | {"extra": torch.ones(1)}, tmp_path / "other.safetensors")
    audit = prepared(tmp_path / "other.safetensors", registry, tmp_path)

    with pytest.raises(ModelError) as refused:
        check_audit_feasible(audit)

    for part in ("it lacks 3.bias", "it has besides extra", "1.weight (20, 64) for (16, 64)"):
        assert part in str(refused.value)


def test_weights_without_an_architecture_are_refused(
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """A file of our own says it; anybody else's does not."""
    task = {"data": {"type": "handwriting"}}
    audit = prepared(weights(mlp, tmp_path), registry, tmp_path, task=task)

    with pytest.raises(SpecError, match="nothing says of what architecture; write it as task.mod"):
        check_audit_feasible(audit)


def test_labels_are_numbered_as_the_model_has_them(
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """By their names, so that data in another order are still asked for the right output."""
    names = [f"session {number}" for number in range(1, 15)]
    task = SPEC["task"] | {"labels": names[::-1]}  # type: ignore[operator]
    plain = prepared(weights(mlp, tmp_path), registry, tmp_path)
    audit = prepared(weights(mlp, tmp_path), registry, tmp_path, task=task)

    assert torch.equal(audit.dataset.labels, 13 - plain.dataset.labels)
    assert list(audit.dataset.classes) == names[::-1]


def test_labels_in_another_case_and_order_are_matched_by_name(
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """What the model gets right is the same; the data card says what was taken for what."""
    names = [f"SESSION {number}" for number in range(14, 0, -1)]
    last = nn.Linear(16, 14)
    last.load_state_dict({name: one.flip(0) for name, one in mlp[3].state_dict().items()})
    turned = nn.Sequential(*mlp[:3], last)
    task = SPEC["task"] | {"labels": names}  # type: ignore[operator]
    plain = prepared(weights(mlp, tmp_path), registry, tmp_path)
    inputs = torch.as_tensor(plain.dataset.inputs[torch.arange(len(plain.dataset))])
    right = mlp(inputs).argmax(1) == plain.dataset.labels

    audit = prepared(weights(turned, tmp_path), registry, tmp_path, task=task)
    _, network = check_audit_feasible(audit)

    assert torch.equal(logits_of(network, inputs).argmax(1) == audit.dataset.labels, right)
    assert "label 'session 1' is the model's 'SESSION 1'" in audit.dataset.notes


def configured(folder: Path, **config: Any) -> Path:
    """A folder of Hugging Face with a configuration, and weights that nobody reads."""
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def test_an_output_without_a_name_counts_all_the_same(tmp_path: Path) -> None:
    """A gap in id2label would else shift all that follow."""
    folder = configured(tmp_path, id2label={"0": "no", "2": "yes"})

    assert detect_model(folder, allow_code=False).labels == ("no", "LABEL_1", "yes")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"problem_type": "multi_label_classification"}, "a sample may have several labels at"),
        ({"problem_type": "regression", "id2label": {"0": "age"}}, "so it predicts a number"),
        ({"id2label": {"0": "LABEL_0"}}, "its head has a single output"),
        ({"id2label": {"999999999": "a"}}, "is not as transformers writes it: id2label numbers"),
        ({"id2label": {"first": "a"}}, "is not as transformers writes it"),
    ],
)
def test_heads_that_are_no_classifiers_of_one_label_are_refused(
    config: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """Before anything is loaded."""
    with pytest.raises(StorageError, match=message):
        detect_model(configured(tmp_path, **config), allow_code=False)


@pytest.mark.parametrize("write", [exported, torchscript])
@pytest.mark.parametrize("layer", [nn.Dropout(0.3), nn.BatchNorm1d(16)], ids=["dropout", "batch"])
def test_a_file_exported_in_train_mode_is_refused(
    write: Write, layer: nn.Module, mlp: nn.Sequential, registry: Registry, tmp_path: Path
) -> None:
    """Nothing can turn it to eval mode any more."""
    module = nn.Sequential(*mlp[:3], layer, mlp[3]).train()
    audit = prepared(write(module, tmp_path), registry, tmp_path)

    with pytest.raises(ModelError, match="as in train mode") as refused:
        check_audit_feasible(audit)
    assert "call model.eval()" in str(refused.value)


def test_sigmoids_are_no_logits(mlp: nn.Module, registry: Registry, tmp_path: Path) -> None:
    """Whatever the spec says of them; logits are never advised."""
    for answers in ("logits", "probabilities"):
        task = SPEC["task"] | {"answers": answers}  # type: ignore[operator]
        path = torchscript(nn.Sequential(mlp, nn.Sigmoid()), tmp_path)
        with pytest.raises(SpecError, match=r"labels one by one \(sigmoids") as refused:
            check_audit_feasible(prepared(path, registry, tmp_path, task=task))
        assert "answers: logits" not in str(refused.value)


def test_percentages_are_attacked_as_posteriors(
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """The data card says that they were divided."""

    class Percent(nn.Module):
        def forward(self, logits: Tensor) -> Tensor:
            return logits.softmax(1) * 100

    task = SPEC["task"] | {"answers": "probabilities"}  # type: ignore[operator]
    path = torchscript(nn.Sequential(mlp, Percent()), tmp_path)
    audit = prepared(path, registry, tmp_path, task=task)
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(50)])

    finished, network = check_audit_feasible(audit)

    found = logits_of(network, inputs).softmax(1)
    torch.testing.assert_close(found, mlp(inputs).softmax(1), rtol=0, atol=1e-6)
    assert finished.notes == ("the model's answers are percentages, divided by 100",)


def test_a_label_that_the_model_does_not_know_is_refused(
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """By name, before anything is attacked."""
    task = SPEC["task"] | {"labels": [f"session {n}" for n in range(1, 14)]}  # type: ignore[operator]
    audit = prepared(weights(mlp, tmp_path), registry, tmp_path, task=task)

    with pytest.raises(SpecError, match="labels that the model has no output for: 'session 14'"):
        check_audit_feasible(audit)


@pytest.mark.parametrize(
    ("attacker", "needs"),
    [
        ("neural-whitebox", "'neural-whitebox' needs parameters; an ONNX model gives black-box"),
        ("samia", "'samia' needs answers to inputs of its own making; an ONNX model gives black"),
    ],
)
def test_an_attacker_without_the_access_it_needs_is_refused(
    attacker: str, needs: str, mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """Before the samples are loaded."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"never read")
    judges = {"attackers": [{"type": attacker}]}
    audit = prepared(path, registry, tmp_path, audit=judges)

    with pytest.raises(SpecError, match=needs):
        check_audit_feasible(audit)

    assert "original" not in vars(audit)


def test_an_attacker_that_also_sees_the_uncompressed_model_is_refused(
    mlp: nn.Module, registry: Registry, tmp_path: Path
) -> None:
    """There is none."""
    judges = {"attackers": [{"type": "compression-difference"}]}
    audit = prepared(weights(mlp, tmp_path), registry, tmp_path, audit=judges)

    with pytest.raises(SpecError, match="also sees the uncompressed model, and there is none"):
        check_audit_feasible(audit)


def test_the_density_of_a_plain_file_is_that_of_its_weights(
    mlp: nn.Sequential, registry: Registry, tmp_path: Path
) -> None:
    """Weights that are 0 are not there; biases count among all parameters."""
    state = {name: one.clone() for name, one in mlp.state_dict().items()}
    state["1.weight"][:8] = 0
    save_file(state, tmp_path / "half.safetensors")

    finished, _ = check_audit_feasible(prepared(tmp_path / "half.safetensors", registry, tmp_path))

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
    mlp: nn.Module, registry: Registry, tmp_path: Path
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

    check_audit_feasible(prepared(path, registry, tmp_path))

    assert not mark.exists()
    torch.load(io.BytesIO(stuffed.getvalue()), weights_only=False)
    assert mark.exists(), "the trap works"


def test_an_exported_program_with_pickled_weights_is_refused(
    mlp: nn.Module, registry: Registry, tmp_path: Path
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
        check_audit_feasible(prepared(path, registry, tmp_path))


def test_a_file_that_is_no_onnx_is_refused_with_the_reason(
    registry: Registry, tmp_path: Path
) -> None:
    """That of ONNX Runtime."""
    pytest.importorskip("onnxruntime")
    path = tmp_path / "model.onnx"
    path.write_bytes(b"hello")

    with pytest.raises(StorageError, match="cannot be loaded as an ONNX model"):
        check_audit_feasible(prepared(path, registry, tmp_path))


def test_a_hugging_face_folder_answers_as_its_model(registry: Registry, tmp_path: Path) -> None:
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
    audit = prepared(tmp_path / "vit", registry, tmp_path, task=task)
    assert audit.given.format is Format.HUGGINGFACE
    inputs = torch.as_tensor(audit.dataset.inputs[torch.arange(20)])

    _, network = check_audit_feasible(audit)

    assert network.access is Access.WHITE_BOX
    answers = model(pixel_values=inputs).logits
    torch.testing.assert_close(logits_of(network, inputs), answers, rtol=0, atol=1e-5)

    model.base_model.save_pretrained(tmp_path / "vit")
    with pytest.raises(ModelError, match="has no weights of the right size for .*classifier"):
        check_audit_feasible(prepared(tmp_path / "vit", registry, tmp_path, task=task))
