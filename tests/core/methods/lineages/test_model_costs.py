"""Costs of models, as shares of the uncompressed model."""

from collections.abc import Callable

import pytest
import torch

from safecompress_core.methods.lineages.model_costs import ModelCosts
from safecompress_core.methods.method import MethodContext
from safecompress_core.sparse.topology import Topology

Workshop = Callable[..., MethodContext]

MEASURES = {
    "metrics": [
        {"type": "accuracy"},
        {"type": "file-bytes"},
        {"type": "macs", "weights": "active"},
        {"type": "peak-memory"},
    ],
    "choose": {"type": "weighted", "measures": {"macs": 1, "file-bytes": 0.5, "peak-memory": 1}},
}


def test_a_dense_model_costs_1_and_half_of_its_weights_half_of_the_products(
    workshop: Workshop,
) -> None:
    """In the order of ``choose``; a file has positions too, and memory is that of dense kernels."""
    context = workshop(**MEASURES)
    costs = ModelCosts(context)
    network = context.create_network()
    dense = context.new_state(network, None, context.settings([]))
    shapes = {name: weight.shape for name, weight in network.sparse_parameters().items()}
    halves = {
        name: (torch.arange(shape.numel()) % 2 == 0).view(shape) for name, shape in shapes.items()
    }
    sparse = context.new_state(
        context.create_network(), Topology.from_masks(halves), context.settings([], density=0.5)
    )

    assert costs.of(dense).tolist() == [1, 1, 1]
    products, file_bytes, memory = costs.of(sparse).tolist()
    assert products == pytest.approx(0.5, abs=0.01)
    sizes = []
    for name, state in (("sparse", sparse), ("dense", dense)):
        context.store(state, context.archive_path(name))
        sizes.append(context.archive_path(name).stat().st_size)
    assert file_bytes == sizes[0] / sizes[1]
    assert memory == 1


def test_without_measures_there_is_nothing_to_measure(workshop: Workshop) -> None:
    """As in most specs."""
    context = workshop()
    state = context.new_state(context.create_network(), None, context.settings([]))

    assert ModelCosts(context).of(state).shape == (0,)
