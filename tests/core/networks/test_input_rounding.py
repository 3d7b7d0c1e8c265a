"""Layers whose inputs are rounded to int8."""

import copy

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from safecompress_core.errors import StorageError, TopologyError
from safecompress_core.networks.input_rounding import InputRange, round_inputs

RANGE = InputRange(scale=0.05, zero_point=-100)


def small_network() -> nn.Sequential:
    """Two layers with fixed weights."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10)).eval()


@pytest.fixture(scope="module")
def digits() -> torch.Tensor:
    """The first of scikit-learn's digits, in [0, 1]."""
    return torch.from_numpy(load_digits().data[:50] / 16).float()


def test_inputs_are_rounded_as_torch_rounds_them(digits: torch.Tensor) -> None:
    """The layer gets what torch's own fake quantisation makes of its input."""
    network, plain = small_network(), small_network()
    round_inputs(network, {"0": RANGE})
    rounded = torch.fake_quantize_per_tensor_affine(digits, 0.05, -100, -128, 127)

    with torch.no_grad():
        torch.testing.assert_close(network(digits), plain(rounded), rtol=0, atol=1e-5)
        assert not torch.allclose(network(digits), plain(digits), rtol=0, atol=1e-5)


def test_values_beyond_the_range_are_clamped() -> None:
    """The ends are 8 bits' ends: worked out by hand."""
    identity = nn.Sequential(nn.Identity())
    round_inputs(identity, {"0": RANGE})

    # (127 + 100) · 0.05 and (−128 + 100) · 0.05
    assert identity(torch.tensor([[99.0, -99.0]])).tolist() == [
        [pytest.approx(11.35), pytest.approx(-1.4)]
    ]


def test_answers_are_the_same_with_gradients(digits: torch.Tensor) -> None:
    """An attack that needs gradients sees the model that ships."""
    network = small_network()
    round_inputs(network, {"0": RANGE, "2": RANGE})

    with torch.no_grad():
        wanted = network(digits)
    assert torch.equal(network(digits).detach(), wanted)


def test_gradients_pass_within_the_range_and_stop_beyond() -> None:
    """Rounding must not make a model look flat."""
    identity = nn.Sequential(nn.Identity())
    round_inputs(identity, {"0": RANGE})
    inputs = torch.tensor([[0.5, 99.0]], requires_grad=True)

    identity(inputs).sum().backward()

    assert inputs.grad is not None
    assert inputs.grad.tolist() == [[1.0, 0.0]]


def test_gradients_of_single_samples_can_be_had(digits: torch.Tensor) -> None:
    """By torch.func, as attacks and defences take them: as many as one by one."""
    network = small_network()
    round_inputs(network, {"0": RANGE})
    parameters = dict(network.named_parameters())

    def loss(weights: dict[str, torch.Tensor], sample: torch.Tensor) -> torch.Tensor:
        answers = torch.func.functional_call(network, weights, (sample[None],))
        return answers.logsumexp(1).sum()

    together = torch.func.vmap(torch.func.grad(loss), (None, 0))(parameters, digits[:3])
    for index, sample in enumerate(digits[:3]):
        alone = torch.autograd.grad(loss(parameters, sample), list(parameters.values()))
        for name, gradient in zip(parameters, alone, strict=True):
            torch.testing.assert_close(together[name][index], gradient)


def test_copies_round_as_well(digits: torch.Tensor) -> None:
    """A model is copied for attacks that change it."""
    network = small_network()
    round_inputs(network, {"0": RANGE})

    with torch.no_grad():
        assert torch.equal(copy.deepcopy(network)(digits), network(digits))


def test_an_exported_program_rounds_as_well(digits: torch.Tensor) -> None:
    """The graph that ships holds the rounding, for any number of samples."""
    network = small_network()
    round_inputs(network, {"0": RANGE, "2": RANGE})

    with torch.no_grad():
        rows = {0: torch.export.Dim("rows")}
        program = torch.export.export(network, (digits[:4],), dynamic_shapes=(rows,))
        answers = program.module()(digits)
        np.testing.assert_allclose(answers.numpy(), network(digits).numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "zero_point"), [(0.0, 0), (-1.0, 0), (float("nan"), 0), (float("inf"), 0), (1.0, 128)]
)
def test_impossible_ranges_are_refused(scale: float, zero_point: int) -> None:
    """A damaged file must not become a model that answers 0."""
    with pytest.raises(StorageError, match="inputs cannot be rounded"):
        InputRange(scale=scale, zero_point=zero_point)


def test_a_range_comes_back_from_its_tensor() -> None:
    """As a model file holds it."""
    again = InputRange.of(RANGE.tensor())

    assert again.zero_point == RANGE.zero_point
    assert again.scale == pytest.approx(RANGE.scale)
    assert torch.equal(again.tensor(), RANGE.tensor())
    with pytest.raises(StorageError, match=r"has shape \(3,\)"):
        InputRange.of(torch.zeros(3))


def test_a_layer_that_is_not_there_is_named() -> None:
    """Of a file for another network."""
    with pytest.raises(TopologyError, match="inputs of 'fc' are rounded, and it is no layer"):
        round_inputs(small_network(), {"fc": RANGE})
