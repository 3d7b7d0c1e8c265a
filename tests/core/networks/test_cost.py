"""Multiply-accumulates, memory and time of a forward pass."""

import time

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from safecompress_core.networks.cost import latency, macs, peak_memory
from safecompress_core.toolkit import Topology

FLOAT = 4  # bytes


def perceptron() -> nn.Sequential:
    """64 inputs, 32 hidden units, 10 classes."""
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def convolutional() -> nn.Sequential:
    """Two convolutions on 1 × 8 × 8, the second of two groups with a stride, and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3, stride=2, groups=2),
        nn.Flatten(),
        nn.Linear(54, 10),
    )


def test_linear_layers_multiply_once_for_each_weight() -> None:
    """Biases and activations count nothing."""
    assert macs(perceptron(), torch.zeros(1, 64)) == 64 * 32 + 32 * 10


def test_convolutions_multiply_once_for_each_weight_and_output_position() -> None:
    """8 × 8 positions of the first, 3 × 3 of the second, which sees half of the channels."""
    expected = 64 * (4 * 9) + 9 * (6 * 2 * 9) + 540

    assert macs(convolutional(), torch.zeros(1, 1, 8, 8)) == expected


def test_active_weights_only_are_what_a_loop_over_nonzero_weights_does() -> None:
    """The density is other in each layer, so that one factor for all of them would be wrong."""
    network = convolutional()
    generator = torch.Generator().manual_seed(1)
    masks = {
        name: torch.rand(network.get_parameter(name).shape, generator=generator) < density
        for name, density in {"0.weight": 0.5, "2.weight": 0.2, "4.weight": 0.1}.items()
    }
    active = {name: int(mask.sum()) for name, mask in masks.items()}

    counted = macs(network, torch.zeros(1, 1, 8, 8), topology=Topology.from_masks(masks))

    assert counted == 64 * active["0.weight"] + 9 * active["2.weight"] + active["4.weight"]


def test_a_layer_counts_each_time_it_is_used() -> None:
    """Also with a weight that two layers share."""
    first, second = nn.Linear(8, 8), nn.Linear(8, 8)
    second.weight = first.weight
    network = nn.Sequential(first, second, first)
    half = torch.arange(64).reshape(8, 8) % 2 == 0

    assert macs(network, torch.zeros(1, 8)) == 3 * 64
    topology = Topology.from_masks({"0.weight": half})
    assert macs(network, torch.zeros(1, 8), topology=topology) == 3 * 32


def test_a_transformer_layer_is_counted_inside() -> None:
    """In eval mode torch would compute it by one fused operation, which counts nothing."""
    layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True).eval()
    projections, scores_and_values, feedforward = 5 * 4 * 64, 2 * 25 * 8, 5 * 2 * 128

    assert macs(layer, torch.zeros(1, 5, 8)) == projections + scores_and_values + feedforward
    assert torch.backends.mha.get_fastpath_enabled()


def test_counting_leaves_the_network_as_it_was() -> None:
    """Mode and batch statistics."""
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)).train()

    macs(network, torch.ones(1, 4))
    peak_memory(network, torch.ones(3, 4))

    assert network.training
    assert int(network[1].num_batches_tracked) == 0


def test_peak_memory_is_weights_and_the_widest_neighbours() -> None:
    """At the peak a batch, the hidden units, and what the activation makes of them are alive."""
    batch = 5
    weights = 64 * 32 + 32 + 32 * 10 + 10

    peak = peak_memory(perceptron(), torch.zeros(batch, 64))

    assert peak == FLOAT * (weights + batch * (64 + 32 + 32))


def test_views_and_in_place_operations_need_no_memory() -> None:
    """They share the storage of what they are made of."""
    in_place = nn.Sequential(nn.Linear(64, 32), nn.ReLU(inplace=True), nn.Unflatten(1, (4, 8)))
    weights = 64 * 32 + 32

    assert peak_memory(in_place, torch.zeros(2, 64)) == FLOAT * (weights + 2 * (64 + 32))


def test_peak_memory_counts_a_result_that_is_kept_for_later() -> None:
    """A residual connection holds its input through the whole block."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = nn.Sequential(nn.Sigmoid(), nn.Sigmoid(), nn.Sigmoid())

        def forward(self, inputs: Tensor) -> Tensor:
            start = inputs * 2
            return start + self.block(start)

    # The input, the start, and two neighbours of the block.
    assert peak_memory(Residual(), torch.zeros(1, 100)) == FLOAT * 4 * 100


def test_peak_memory_is_the_same_each_time() -> None:
    """It is counted, so it may select a model."""
    network, batch = convolutional(), torch.zeros(7, 1, 8, 8)

    assert len({peak_memory(network, batch) for _ in range(3)}) == 1


def test_latency_times_calls_after_the_warm_up() -> None:
    """The first calls are slow; they are made and not counted."""
    pauses = iter([0.2, 0.2, *[0.001] * 9])
    calls = []

    def function(batch: np.ndarray) -> None:
        calls.append(batch)
        time.sleep(next(pauses))

    found = latency(function, np.zeros(3), repeats=9, warm_up=2)

    assert len(calls) == 11
    assert 0.001 <= found.median <= found.p95
    assert found.median < 0.2


def test_latency_needs_a_call_to_time() -> None:
    """No figure comes of no call."""
    with pytest.raises(ValueError, match="at least one call must be timed, not 0"):
        latency(torch.relu, torch.zeros(1), repeats=0)
