"""The built-in exporters: conformance, architectures, output guards, and what they refuse."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.datasets import load_digits
from torch import Tensor, nn

from safecompress_core.api import ExporterDef, Kind
from safecompress_core.host import load_plugins
from safecompress_core.networks.input_rounding import InputRange, round_inputs
from safecompress_core.networks.output_guard import AnswerModule
from safecompress_core.saved_models.rebuild import component
from safecompress_core.testing import ExporterConformance
from safecompress_core.toolkit import (
    Classifier,
    Exporter,
    ExportError,
    ExportSource,
    GuardTrainingData,
    OutputGuard,
)
from safecompress_plugins.exporters.manifest import DEFINITIONS

REGISTRY = load_plugins().registry
BY_NAME = {definition.name: definition for definition in DEFINITIONS}
DIGITS = torch.from_numpy(load_digits().images).float()[:64] / 16
CLASSES = tuple("0123456789")


def needs(module: str) -> None:
    """Skip where an extra is not installed."""
    pytest.importorskip(module, exc_type=ImportError)


class TestOnnx(ExporterConformance):
    definition = BY_NAME["onnx"]

    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        needs("onnxscript")
        needs("onnxruntime")


class TestOnnxInt8(ExporterConformance):
    definition = BY_NAME["onnx-int8"]

    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        needs("onnxscript")
        needs("onnxruntime")


class TestPt2(ExporterConformance):
    definition = BY_NAME["pt2"]


class TestSafetensors(ExporterConformance):
    definition = BY_NAME["safetensors"]


class TestExecutorch(ExporterConformance):
    definition = BY_NAME["executorch"]

    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        needs("executorch")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own deprecated parts, when it is imported
            import_module("safecompress_plugins.exporters.executorch_program")

    def test_it_computes_on_as_many_threads_as_torch(self, tmp_path: Path) -> None:
        """A latency is stated with their number."""
        runtime = pytest.importorskip("executorch.extension.pybindings.portable_lib")
        source = self.source()
        path = self.written(source, tmp_path)
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(1)
            self.answers(self.exporter().load(path, source), self.samples())
            assert runtime._threadpool_get_thread_count() == 1
        finally:
            torch.set_num_threads(before)


def exporter(name: str, **params: Any) -> Exporter:
    """An exporter as the command builds it."""
    written = {"type": name, **params}
    built: Exporter = REGISTRY.create(component(REGISTRY, Kind.EXPORTER, written, allow_code=False))
    return built


def source_of(
    network: nn.Module, samples: Tensor, *, module: nn.Module | None = None
) -> ExportSource:
    """A network with ten labels."""
    return ExportSource(
        network=network.eval(),
        module=network if module is None else module,
        factory=None,
        examples=samples[:4],
        calibration=samples,
        classes=CLASSES,
    )


def built(name: str, shape: tuple[int, ...], **params: Any) -> nn.Module:
    """A built-in architecture with ten labels."""
    factory = REGISTRY.create(
        component(REGISTRY, Kind.MODEL, {"type": name, **params}, allow_code=False)
    )
    network: nn.Module = factory.build(
        input_shape=shape, classes=10, generator=torch.Generator().manual_seed(0)
    )
    return network.eval()


def asked(network: nn.Module, inputs: Tensor) -> Tensor:
    """Logits."""
    with torch.no_grad():
        logits: Tensor = network(inputs)
    return logits


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg11", "resnet18"])
def test_an_onnx_graph_computes_a_convolutional_network(name: str, tmp_path: Path) -> None:
    """As ONNX Runtime itself computes it, asked without SafeCompress."""
    onnxruntime = pytest.importorskip("onnxruntime")
    needs("onnxscript")
    images = torch.randn(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    network = built(name, (3, 32, 32))

    exporter("onnx").write(source_of(network, images), tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(
        tmp_path / "model.onnx", providers=["CPUExecutionProvider"]
    )
    [logits] = session.run(["logits"], {"inputs": images.numpy()})

    np.testing.assert_allclose(logits, asked(network, images), atol=1e-4)


def test_an_int8_graph_holds_int8_weights_and_float_logits(tmp_path: Path) -> None:
    """A quarter of the bytes, and logits outside of the range of the calibration samples."""
    onnx = pytest.importorskip("onnx")
    needs("onnxscript")
    network = built("mlp", (8, 8), hidden=[256])
    samples = DIGITS / 4
    source = source_of(network, samples)

    for name in ("onnx", "onnx-int8"):
        exporter(name).write(source, tmp_path / f"{name}.onnx")
    graph = onnx.load(tmp_path / "onnx-int8.onnx").graph
    weights = {one.name: one for one in graph.initializer}
    quantised = [one for name, one in weights.items() if name.endswith("weight_quantized")]
    loaded = exporter("onnx-int8").load(tmp_path / "onnx-int8.onnx", source)
    sizes = [(tmp_path / f"{name}.onnx").stat().st_size for name in ("onnx", "onnx-int8")]

    assert [one.data_type for one in quantised] == [onnx.TensorProto.INT8] * 2
    assert sizes[1] < sizes[0] / 2
    assert [output.type.tensor_type.elem_type for output in graph.output] == [1]
    assert asked(loaded, samples).unique().numel() > 256


def test_calibration_without_samples_is_refused(tmp_path: Path) -> None:
    """Before anything is written."""
    needs("onnxscript")
    needs("onnxruntime")
    source = replace(source_of(built("mlp", (8, 8)), DIGITS), calibration=DIGITS[:0])

    with pytest.raises(ExportError, match="no samples to calibrate with"):
        exporter("onnx-int8").write(source, tmp_path / "model.onnx")

    assert list(tmp_path.iterdir()) == []


def test_a_dense_file_is_a_state_dict(tmp_path: Path) -> None:
    """Every tensor by its name, as safetensors itself reads it."""
    network = built("mlp", (8, 8))
    exporter("safetensors").write(source_of(network, DIGITS), tmp_path / "model.safetensors")
    tensors = load_file(tmp_path / "model.safetensors")

    assert tensors.keys() == network.state_dict().keys()
    assert all(torch.equal(tensors[name], one) for name, one in network.state_dict().items())


def test_a_graph_rounds_the_inputs_of_a_finished_model(tmp_path: Path) -> None:
    """Static quantisation of a finisher is part of what the program computes."""
    network = built("mlp", (8, 8))
    before = asked(network, DIGITS)
    first = next(name for name, layer in network.named_modules() if isinstance(layer, nn.Linear))
    round_inputs(network, {first: InputRange(scale=0.25, zero_point=0)})
    source = source_of(network, DIGITS)
    exporter("pt2").write(source, tmp_path / "model.pt2")
    found = asked(exporter("pt2").load(tmp_path / "model.pt2", source), DIGITS)

    assert torch.allclose(found, asked(network, DIGITS), atol=1e-6)
    assert not torch.allclose(found, before, atol=1e-3)


class Bessel(nn.Module):
    """An operator that ONNX lacks."""

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.special.bessel_j0(inputs)


class Branching(nn.Module):
    """A layer that decides by the values of its input."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs if inputs.sum() > 0 else -inputs


def around(layer: nn.Module) -> nn.Module:
    """A network with a layer at ``3.0``."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Sequential(layer), nn.Linear(8, 10)
    )


def test_an_operator_that_onnx_lacks_is_named_with_its_layer(tmp_path: Path) -> None:
    """No file is left."""
    needs("onnxscript")
    needs("onnxruntime")

    with pytest.raises(
        ExportError, match=r"no operator for .*bessel_j0.*, which '3\.0' \(Bessel\)"
    ):
        exporter("onnx").write(source_of(around(Bessel()), DIGITS), tmp_path / "model.onnx")

    assert list(tmp_path.iterdir()) == []


def test_a_layer_that_cannot_be_traced_is_named(tmp_path: Path) -> None:
    """With the reason that torch gives."""
    with pytest.raises(ExportError, match=r"cannot trace '3\.0' \(Branching\): "):
        exporter("pt2").write(source_of(around(Branching()), DIGITS), tmp_path / "model.pt2")


@pytest.fixture
def guarded() -> Callable[[str], tuple[ExportSource, Callable[[Tensor], Tensor]]]:
    """A network behind the guard of a defence, and its answers as the run computes them."""

    def make(name: str) -> tuple[ExportSource, Callable[[Tensor], Tensor]]:
        network = built("mlp", (8, 8))
        defence = REGISTRY.create(
            component(REGISTRY, Kind.DEFENCE, {"type": name}, allow_code=False)
        )
        generator = torch.Generator().manual_seed(0)
        guard: OutputGuard = defence.make_guard(classes=10, generator=generator)
        with torch.no_grad():
            logits = Classifier(network)(DIGITS)
        guard.learn(
            GuardTrainingData(
                members=logits[:32],
                others=logits[32:],
                at_random=lambda count, drawn: 3 * torch.randn(count, 10, generator=drawn),
            ),
            generator=generator,
        )
        whole = AnswerModule(network, guard, values=64).eval()
        source = replace(source_of(whole, DIGITS, module=network), guard=name)
        return source, lambda inputs: guard.answer(inputs, asked(network, inputs))

    return make


def test_a_program_carries_the_guard_of_hamp(guarded: Any, tmp_path: Path) -> None:
    """Its answers are those of the guard, bit for bit, and not the network's."""
    source, answer = guarded("hamp")
    exporter("pt2").write(source, tmp_path / "model.pt2")
    loaded = exporter("pt2").load(tmp_path / "model.pt2", source)

    assert torch.equal(asked(loaded, DIGITS), answer(DIGITS))
    assert not torch.allclose(asked(loaded, DIGITS), asked(source.module, DIGITS))


@pytest.mark.parametrize(
    ("form", "name", "message"),
    [
        ("onnx", "hamp", r"no operator for aten\.view\.dtype, which the network itself"),
        ("pt2", "memguard", r"cannot trace 'guard"),
    ],
)
def test_a_guard_that_the_graph_cannot_hold_is_refused(
    form: str, name: str, message: str, guarded: Any, tmp_path: Path
) -> None:
    """ONNX reads no bits of a float; memguard searches by gradients. No file is left."""
    if form == "onnx":
        needs("onnxscript")
        needs("onnxruntime")
    source, _ = guarded(name)

    with pytest.raises(ExportError, match=message):
        exporter(form).write(source, tmp_path / BY_NAME[form].file)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one.name)
def test_usage_starts_from_the_file(definition: ExporterDef) -> None:
    """The card's lines name the file that is written; a folder is loaded from where they run."""
    assert (definition.file or '"."') in definition.usage
