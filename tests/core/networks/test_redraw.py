"""Fresh copies of a network."""

import pytest
import torch
from torch import nn

from safecompress_core.errors import ModelError
from safecompress_core.networks.redraw import copied, redraw, require_redrawable


def trained() -> nn.Module:
    """A network whose weights and statistics are far from any draw."""
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)).double()
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.fill_(7)
    return module


def generator(seed: int) -> torch.Generator:
    """A source of random numbers."""
    return torch.Generator().manual_seed(seed)


def test_a_copy_is_drawn_as_torch_draws_its_layers() -> None:
    """By the seed alone; the caller's network and torch's own state stay as they were."""
    module, state = trained(), torch.get_rng_state()

    fresh = redraw(module, generator(0))

    assert torch.equal(torch.get_rng_state(), state)
    assert all((tensor == 7).all() for tensor in module.state_dict().values())
    assert {tensor.dtype for tensor in fresh.parameters()} == {torch.float32}
    weights = fresh.state_dict()
    again, other = (redraw(trained(), generator(seed)).state_dict() for seed in (0, 1))
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert not torch.equal(weights["0.weight"], other["0.weight"])
    # nn.Linear draws uniformly up to one over the root of its inputs.
    assert float(weights["0.weight"].abs().max()) <= 4**-0.5
    assert weights["1.running_mean"].tolist() == [0] * 8
    assert weights["1.running_var"].tolist() == [1] * 8


def test_attention_is_drawn_anew() -> None:
    """Its method has a name of its own."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(7)

    require_redrawable(layer)

    assert not any((one == 7).any() for one in redraw(layer, generator(0)).parameters())


def test_weights_of_no_layer_cannot_be_drawn() -> None:
    """The message names them, and the way out."""
    module = nn.Sequential(nn.Linear(4, 4))
    module.register_parameter("scale", nn.Parameter(torch.ones(4)))

    with pytest.raises(ModelError, match="'scale' belong to no layer with reset_parameters") as one:
        require_redrawable(module)

    assert one.value.hint == "give a function that returns a new network: model=lambda: Net()"


@pytest.mark.filterwarnings("ignore:Lazy modules:UserWarning")
def test_a_lazy_layer_needs_its_shape() -> None:
    """It gets one when it is first called."""
    with pytest.raises(ModelError, match="lazy layers without a shape; call it on a sample"):
        require_redrawable(nn.Sequential(nn.LazyLinear(3)))


def test_a_network_without_weights_has_no_copy() -> None:
    """The error says how it gets them."""
    with pytest.raises(ModelError, match="'meta'") as error:
        copied(trained().to("meta"))

    assert error.value.hint is not None
    assert "load_state_dict" in error.value.hint
