"""Architectures in memory."""

import pytest
import torch
from torch import nn

from safecompress_core.errors import ModelError
from safecompress_core.networks.in_memory import (
    GivenArchitecture,
    InMemoryModel,
    holding_architecture,
)
from safecompress_core.networks.manifest import InMemoryModelParams
from safecompress_core.networks.redraw import redraw


def architecture(hidden: int = 8) -> GivenArchitecture:
    """A perceptron."""
    module = nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 3))
    return GivenArchitecture(build=lambda generator: redraw(module, generator))


def test_a_network_is_there_while_it_is_held() -> None:
    """Afterwards a spec that names it is refused."""
    with holding_architecture(architecture()) as fingerprint:
        params = InMemoryModelParams(fingerprint=fingerprint)
        network = InMemoryModel(params).build(
            input_shape=(4,), classes=3, generator=torch.Generator().manual_seed(0)
        )
        assert network(torch.ones(2, 4)).shape == (2, 3)

    with pytest.raises(ModelError, match="not in this process"):
        InMemoryModel(params)


def test_the_fingerprint_is_of_layers_and_preparation() -> None:
    """Weights of the given network do not count, since they are drawn anew."""
    first = architecture().fingerprint()
    tokenised = GivenArchitecture(build=architecture().build, identity="a vocabulary")

    assert architecture().fingerprint() == first
    assert len({first, architecture(9).fingerprint(), tokenised.fingerprint()}) == 3
