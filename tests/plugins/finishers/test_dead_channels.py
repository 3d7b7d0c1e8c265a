"""Removal of dead channels after training."""

import pytest
import torch
from torch import nn

from safecompress_core.methods.finisher import FinishContext
from safecompress_core.networks.classifier import Classifier
from safecompress_core.testing import FinisherConformance

pytest.importorskip("torch_pruning")
from safecompress_plugins.finishers.dead_channels import RemoveDeadChannels
from safecompress_plugins.finishers.manifest import DEFINITIONS, RemoveDeadChannelsParams

REMOVE = next(one for one in DEFINITIONS if one.name == "remove-dead-channels")
FINISHER = RemoveDeadChannels(RemoveDeadChannelsParams())


class TestRemoveDeadChannels(FinisherConformance):
    definition = REMOVE


def context_of(module: nn.Module, inputs: torch.Tensor) -> FinishContext:
    """What a run gives for a dense network."""
    network = Classifier(module.eval())
    weights = {name: weight.detach() for name, weight in network.sparse_parameters().items()}
    return FinishContext(network=network, weights=weights, calibration=inputs)


def test_a_unit_that_nothing_reads_and_one_that_reads_nothing_are_removed() -> None:
    """The second is constant, ReLU(2) = 2, and its share 3 · 2 goes into the bias of its reader."""
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[1.0, 2.0], [5.0, 5.0], [0.0, 0.0]]))
        module[0].bias.copy_(torch.tensor([0.0, 0.0, 2.0]))
        module[2].weight.copy_(torch.tensor([[1.0, 0.0, 3.0], [-1.0, 0.0, 0.0]]))
        module[2].bias.copy_(torch.tensor([0.5, 0.0]))
    finish = FINISHER.finish(context_of(module, torch.rand(8, 2)))

    assert finish.smaller is not None
    assert finish.facts["removed"] == {"0": 2}
    assert finish.smaller.layer_shapes.widths == {"0": (2, 1), "2": (1, 2)}
    assert finish.smaller.state["0.weight"].tolist() == [[1, 2]]
    assert finish.smaller.state["2.bias"].tolist() == [6.5, 0]


def test_a_constant_that_no_bias_can_take_stays() -> None:
    """The architecture of the reader has no bias, and a file states widths alone."""
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[1.0, 2.0], [0.0, 0.0]]))
        module[0].bias.copy_(torch.tensor([0.0, 2.0]))
        module[2].weight.fill_(1)

    assert FINISHER.finish(context_of(module, torch.rand(8, 2))).smaller is None


def test_an_embedding_is_refused_before_training() -> None:
    """Its channels belong to layers that cannot be traced."""
    module = nn.Sequential(nn.EmbeddingBag(9, 4), nn.Linear(4, 2))

    [problem] = FINISHER.check(Classifier(module))

    assert problem.path == ("type",)
    assert "channels of '0' (EmbeddingBag) cannot be removed" in problem.message
