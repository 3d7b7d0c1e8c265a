"""Quantisation after training, of weights and of inputs."""

from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from torch import nn
from torch.ao.quantization import HistogramObserver

from safecompress_core.errors import PoolError
from safecompress_core.methods.finisher import FinishContext
from safecompress_core.networks.classifier import Classifier
from safecompress_core.sparse.weight_codes import Quantised
from safecompress_core.testing import FinisherConformance
from safecompress_plugins.finishers.manifest import DEFINITIONS, QuantizeParams
from safecompress_plugins.finishers.quantize import Quantize

QUANTIZE = next(definition for definition in DEFINITIONS if definition.name == "quantize")


class TestQuantize(FinisherConformance):
    definition = QUANTIZE


class TestQuantizeStatically(FinisherConformance):
    definition = QUANTIZE
    params: ClassVar = {"inputs": True, "calibration": 16}


class TestQuantizeTo4Bits(FinisherConformance):
    definition = QUANTIZE
    params: ClassVar = {"bits": 4, "group": 8}


def test_four_bits_are_16_values_of_a_scale_for_each_group() -> None:
    """Codes in [−8, 7]; a group's largest weight decides its scale."""
    [context, *_] = TestQuantize().contexts()

    code = Quantize(QuantizeParams(bits=4, group=8)).finish(context).codes["0.weight"]

    assert isinstance(code, Quantised)
    assert code.codes.min() >= -8
    assert code.codes.max() <= 7
    assert code.scales.shape == (16, 3)
    # torchao's symmetric range ends at ± 7.5 scales.
    largest = context.weights["0.weight"][:, :8].abs().amax(dim=1)
    torch.testing.assert_close(code.scales[:, 0], largest / 7.5)


def test_fewer_bits_and_larger_groups_lose_more() -> None:
    """The error is between half a step of 8 bits and one of 4."""
    [context, *_] = TestQuantize().contexts()

    errors = [
        Quantize(params).finish(context).facts["error"]
        for params in (
            QuantizeParams(),
            QuantizeParams(bits=4, group=8),
            QuantizeParams(bits=4, group=4096),
        )
    ]

    assert errors == sorted(errors)
    assert errors[0] < 0.01 < errors[1] < errors[2] < 0.2


def test_ranges_are_those_of_torch_on_the_same_inputs() -> None:
    """Torch's own observer, shown what each layer is fed by hand."""
    [context, *_] = TestQuantize().contexts()
    seen = context.calibration[:16]
    module = context.network.module
    assert isinstance(module, nn.Sequential)
    fed = {"0": seen, "2": module[:2](seen)}

    inputs = Quantize(QuantizeParams(inputs=True, calibration=16)).finish(context).inputs

    assert inputs.keys() == fed.keys()
    for name, shown in fed.items():
        observer = HistogramObserver(
            dtype=torch.qint8, quant_min=-128, quant_max=127, qscheme=torch.per_tensor_affine
        )
        observer(shown.detach())
        scale, zero_point = observer.calculate_qparams()
        assert inputs[name].scale == pytest.approx(float(scale), rel=1e-6)
        assert inputs[name].zero_point == int(zero_point)


def test_results_say_how_many_samples_it_was_calibrated_on() -> None:
    """All members of attack-train, where there are fewer than asked for."""
    [context, *_] = TestQuantize().contexts()

    few, all_ = (
        Quantize(QuantizeParams(inputs=True, calibration=count)).finish(context).facts
        for count in (16, 1000)
    )

    assert (few["calibrated_on"], all_["calibrated_on"]) == (16, 40)


def test_calibration_without_samples_is_refused() -> None:
    """A range of nothing would be made up; weights alone need no samples."""
    [context, *_] = TestQuantize().contexts()
    empty = replace(context, calibration=context.calibration[:0])

    with pytest.raises(PoolError, match="no samples to calibrate with: attack-train has no memb"):
        Quantize(QuantizeParams(inputs=True)).finish(empty)
    assert Quantize(QuantizeParams()).finish(empty).codes


def test_layers_without_an_input_of_numbers_are_refused_for_static_quantisation() -> None:
    """Token ids cannot be rounded, so a table of embeddings is named."""

    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.head = nn.EmbeddingBag(9, 4), nn.Linear(4, 2)

        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            answers: torch.Tensor = self.head(self.table(tokens.long()))
            return answers

    network = Classifier(Words())
    problems = list(Quantize(QuantizeParams(inputs=True)).check(network))

    sparse = [name for name in network.sparse_parameters() if name.startswith("table")]
    assert [problem.path for problem in problems] == [("inputs",)] * len(sparse)
    assert not list(Quantize(QuantizeParams()).check(network))


def test_convolutions_are_quantised_as_well() -> None:
    """A kernel's output channel has a scale, or a group of its weights."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)).eval()
    network = Classifier(module)
    context = FinishContext(
        network=network,
        weights={name: w.detach() for name, w in network.sparse_parameters().items()},
        calibration=torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(0)),
    )

    finish = Quantize(QuantizeParams(bits=4, inputs=True)).finish(context)

    assert finish.codes["0.weight"].weight().shape == (4, 3, 3, 3)
    assert set(finish.inputs) == {"0", "3"}
