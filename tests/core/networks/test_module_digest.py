"""Digest of a network."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from safecompress_core.networks.module_digest import digest_of_module


def network(activation: Callable[[Tensor], Tensor], seed: int = 0) -> nn.Module:
    """A network whose forward pass calls a function that is no layer."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            return activation(self.layer(inputs))

    torch.manual_seed(seed)
    return Net()


def test_weights_layers_and_code_count() -> None:
    """Equal ones are one network, in whatever object."""

    def plain(values: Tensor) -> Tensor:
        return values

    def doubled(values: Tensor) -> Tensor:
        return values * 2

    first = digest_of_module(network(plain))

    assert first == digest_of_module(network(plain))
    others = [network(doubled), network(plain, seed=1), nn.Sequential(network(plain))]
    assert len({first, *map(digest_of_module, others)}) == 4


def test_each_type_of_numbers_counts() -> None:
    """Also bfloat16, which NumPy does not know."""
    kinds = (torch.float32, torch.float16, torch.bfloat16)

    assert len({digest_of_module(nn.Linear(2, 2, bias=False).to(kind)) for kind in kinds}) == 3
