"""Channels that no answer depends on are removed, and answers stay as they were."""

from collections.abc import Callable

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from safecompress_core.errors import ModelError
from safecompress_core.networks.dead_channels import without_dead_channels

pytest.importorskip("torch_pruning")


def digits() -> tuple[Tensor, Tensor]:
    """Images (N, 1, 8, 8) in [0, 1] and their labels."""
    found = load_digits()
    return torch.tensor(found.images[:, None] / 16).float(), torch.tensor(found.target)


def perceptron() -> nn.Module:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 30), nn.Tanh(), nn.Linear(30, 10)
    )


def vgg() -> nn.Module:
    """Convolutions with batch normalisation and pooling, then linear layers."""
    return nn.Sequential(
        *(nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU()),
        *(nn.Conv2d(12, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 20, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(20, 24), nn.ReLU(), nn.Linear(24, 10)),
    )


class Residual(nn.Module):
    """A shortcut around a convolution, so that both of its ends have the same channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 12, 3, padding=1)
        self.block = nn.Conv2d(12, 12, 3, padding=1)
        self.head = nn.Linear(12, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        start = self.stem(inputs).relu()
        return self.head((start + self.block(start)).relu().mean((2, 3)))


def trained(module: nn.Module) -> nn.Module:
    """The network after a few steps on digits, in eval mode."""
    inputs, labels = digits()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(15):
        optimizer.zero_grad()
        cross_entropy(module(inputs[:300]), labels[:300]).backward()
        optimizer.step()
    return module.eval()


def silence(module: nn.Module) -> None:
    """Let each third output of every layer but the last be made by no weight."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    with torch.no_grad():
        for layer in layers[:-1]:
            layer.weight[::3] = 0


def ignore(module: nn.Module) -> None:
    """Let each fourth input of every layer but the first be read by no weight."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    with torch.no_grad():
        for layer in layers[1:]:
            layer.weight[:, 1::4] = 0


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same first weights each time."""
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (perceptron, silence),
        (perceptron, ignore),
        (vgg, silence),
        (vgg, ignore),
        (Residual, ignore),
    ],
)
def test_answers_of_a_trained_network_stay_as_they_were(
    make: Callable[[], nn.Module], change: Callable[[nn.Module], None]
) -> None:
    """On all digits, up to the rounding of shorter sums."""
    module, (inputs, _) = trained(make()), digits()
    change(module)

    smaller, removed = without_dead_channels(module, inputs[:1])

    with torch.no_grad():
        assert torch.allclose(smaller(inputs), module(inputs), rtol=1e-5, atol=1e-5)
    assert sum(removed.values()) > 0


def test_a_neuron_without_inputs_becomes_a_part_of_the_next_bias() -> None:
    """Both neurons 0 and 2 are constant, 0.5 and, behind the activation, 0."""
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        module[0].weight.copy_(torch.tensor([[0.0, 0], [1, 2], [0, 0]]))
        module[0].bias.copy_(torch.tensor([0.5, 0, -1]))
        module[2].weight.copy_(torch.tensor([[2.0, 1, 7], [4, 3, 9]]))
        module[2].bias.copy_(torch.tensor([1.0, 1]))

    smaller, removed = without_dead_channels(module, torch.ones(1, 2))

    assert removed == {"0": 2}
    assert smaller[2].weight.tolist() == [[1], [3]]
    assert smaller[2].bias.tolist() == [2, 3]


def test_a_layer_without_a_bias_gets_one_for_a_constant() -> None:
    """Otherwise the constant would be lost."""
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        module[0].weight[0] = 0
        module[0].bias[0] = 3
    expected = (3 * module[1].weight[:, 0]).tolist()

    smaller, _ = without_dead_channels(module, torch.ones(1, 2))

    assert smaller[1].bias.tolist() == expected


def test_a_constant_stays_where_padding_surrounds_it() -> None:
    """At the border of the image a bias would not be the same; a constant of 0 would."""
    module = nn.Sequential(
        nn.Conv2d(1, 3, 1), nn.ReLU(), nn.Conv2d(3, 2, 3, padding=1), nn.Flatten(), nn.Linear(8, 2)
    )
    with torch.no_grad():
        module[0].weight[:2] = 0
        module[0].bias.copy_(torch.tensor([-1.0, 1, 1]))

    assert without_dead_channels(module, torch.ones(1, 1, 2, 2))[1] == {"0": 1}


def test_a_removal_can_make_channels_before_it_dead() -> None:
    """Nothing reads the second layer's neuron, which alone reads one of the first's."""
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    with torch.no_grad():
        module[2].weight.copy_(torch.tensor([[1.0, 0], [1, 1]]))
        module[4].weight[:, 1] = 0

    assert without_dead_channels(module, torch.ones(1, 2))[1] == {"0": 1, "2": 1}


def test_one_channel_stays() -> None:
    """A network that answers the same to everything is a network."""
    module = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 2))
    with torch.no_grad():
        module[2].weight.zero_()

    smaller, removed = without_dead_channels(module, torch.ones(1, 2))

    assert removed == {"0": 4}
    assert torch.equal(smaller(torch.ones(1, 2)), module(torch.ones(1, 2)))


def test_the_network_itself_does_not_change() -> None:
    """A copy is made smaller; it is as trainable as the original."""
    module = perceptron()
    silence(module)
    module[1].bias.requires_grad_(requires_grad=False)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}

    smaller, _ = without_dead_channels(module, torch.ones(1, 1, 8, 8))

    assert all(torch.equal(before[name], now) for name, now in module.state_dict().items())
    assert module.training
    assert not smaller[1].bias.requires_grad
    assert smaller[1].weight.requires_grad


def test_a_layer_of_an_unknown_kind_is_named() -> None:
    """It might mix channels in any way."""
    module = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2), nn.Linear(2, 2))

    with pytest.raises(ModelError, match=r"channels of '1' \(LayerNorm\) cannot be removed"):
        without_dead_channels(module, torch.ones(1, 2))
