"""The fastest form of each layer, by measurement."""

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.networks import fast_layers
from safecompress_core.networks.cost import LatencyRecord
from safecompress_core.networks.fast_layers import CsrConvolution, CsrLinear, accelerate
from safecompress_core.networks.input_rounding import InputRange, round_inputs

SPARSE, DENSE = "csr", "dense"


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same weights each time."""
    torch.manual_seed(0)


def thin_out(module: nn.Module, density: float) -> nn.Module:
    """Weights of linear layers and convolutions, set to 0 at random positions."""
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d):
                layer.weight.mul_(torch.rand_like(layer.weight) < density)
    return module


@pytest.mark.parametrize("shape", [(7, 20), (1, 20), (3, 5, 20), (20,)])
@pytest.mark.parametrize("has_bias", [True, False])
def test_a_sparse_linear_layer_computes_what_the_dense_one_does(
    shape: tuple[int, ...], has_bias: bool
) -> None:
    """Of a matrix, of one sample, of sequences, of a vector."""
    layer, inputs = thin_out(nn.Linear(20, 9, bias=has_bias), 0.2), torch.randn(shape)

    with torch.no_grad():
        assert torch.allclose(CsrLinear(layer)(inputs), layer(inputs), atol=1e-6)


@pytest.mark.parametrize(
    "window",
    [
        {"kernel_size": 3},
        {"kernel_size": 1},
        {"kernel_size": 3, "padding": 1, "bias": False},
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (0, 1), "dilation": (1, 2)},
    ],
)
def test_a_sparse_convolution_computes_what_the_dense_one_does(window: dict[str, object]) -> None:
    """With each option of a window, on images that are not square."""
    layer = thin_out(nn.Conv2d(3, 5, **window), 0.3)
    inputs = torch.randn(4, 3, 9, 7)

    with torch.no_grad():
        found, expected = CsrConvolution(layer)(inputs), layer(inputs)

    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-6)


def timed(monkeypatch: pytest.MonkeyPatch, seconds: dict[type, float]) -> None:
    """Let a call of each kind of module take as long as said, without a clock."""

    def latency(module: nn.Module, batch: Tensor, *, repeats: int) -> LatencyRecord:
        module(batch)
        # A network takes as long as its layers together.
        parts = [seconds[type(layer)] for layer in module.modules() if type(layer) in seconds]
        return LatencyRecord(seconds=(sum(parts),) * repeats)

    monkeypatch.setattr(fast_layers, "latency", latency)


def network() -> nn.Module:
    """A convolution and two linear layers, the last of them dense."""
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 50), nn.ReLU()
    )
    return nn.Sequential(*thin_out(module, 0.1), nn.Linear(50, 10)).eval()


def test_each_layer_takes_the_form_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer by itself, and answers stay as they were."""
    times = {nn.Linear: 3.0, CsrLinear: 1.0, nn.Conv2d: 3.0, CsrConvolution: 4.0}
    timed(monkeypatch, times)
    module, batch = network(), torch.randn(6, 1, 8, 8)

    found = accelerate(module, batch)

    assert [(layer.chosen, layer.dense, layer.csr) for layer in found.layers] == [
        (DENSE, 3.0, 4.0),
        (SPARSE, 3.0, 1.0),
        # More than half of its weights are there, so it was not tried.
        (DENSE, 3.0, None),
    ]
    assert [type(layer) for layer in found.network][::3] == [nn.Conv2d, CsrLinear]
    assert (found.before.median, found.after.median) == (9.0, 7.0)
    with torch.no_grad():
        assert torch.allclose(found.network(batch), module(batch), atol=1e-6)


def test_where_nothing_is_faster_the_network_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the very same one."""
    timed(monkeypatch, {nn.Linear: 1.0, CsrLinear: 1.0, nn.Conv2d: 1.0, CsrConvolution: 2.0})
    module = network()

    found = accelerate(module, torch.randn(6, 1, 8, 8))

    assert {layer.chosen for layer in found.layers} == {DENSE}
    assert found.network is module
    assert found.before == found.after


def test_dead_channels_go_first() -> None:
    """Half of the hidden neurons have no weights, so the layers after them have half the inputs."""
    pytest.importorskip("torch_pruning")
    module = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 10)).eval()
    with torch.no_grad():
        module[0].weight[::2] = 0
    batch = torch.randn(32, 64)

    found = accelerate(module, batch)

    assert found.removed == {"0": 256}
    assert found.kept == ""
    assert all(layer.density == 1 for layer in found.layers)
    with torch.no_grad():
        assert torch.allclose(found.network(batch), module(batch), atol=1e-6)


def test_why_dead_channels_stay_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a kind of layer that cannot lose channels, and for a package that is not there."""
    module = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))

    if fast_layers.find_spec("torch_pruning") is not None:
        assert accelerate(module, torch.ones(1, 4)).kept == (
            "channels of '1' (LayerNorm) cannot be removed"
        )
    monkeypatch.setattr(fast_layers, "find_spec", lambda _: None)
    assert accelerate(module, torch.ones(1, 4)).kept == (
        "torch-pruning is not installed (extra 'structured')"
    )


def test_inputs_that_are_rounded_stay_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A finisher rounds what a layer reads by a hook, and the sparse form reads the same."""
    timed(monkeypatch, {nn.Linear: 2.0, CsrLinear: 1.0})
    module, batch = nn.Sequential(thin_out(nn.Linear(20, 9), 0.2)).eval(), torch.randn(7, 20)
    with torch.no_grad():
        plain = module(batch)
        round_inputs(module, {"0": InputRange(scale=0.5, zero_point=3)})
        rounded = module(batch)

    with torch.no_grad():
        found = accelerate(module, batch).network(batch)

    assert torch.allclose(found, rounded, atol=1e-6)
    assert not torch.allclose(found, plain, atol=1e-2)


def test_weights_that_others_read_stay_dense() -> None:
    """Attention reads its output projection without calling it; groups cannot be unfolded."""

    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.grouped = nn.Conv2d(2, 2, 1, groups=2)
            self.head = nn.Linear(8, 2)

        def forward(self, inputs: Tensor) -> Tensor:
            spread = self.grouped(inputs[:, None].expand(-1, 2, -1, -1)).mean(1)
            return self.head(self.attention(spread, spread, spread)[0].mean(1))

    module = thin_out(Attending(), 0.2)

    found = accelerate(module, torch.randn(2, 3, 8))

    assert [layer.name for layer in found.layers] == ["grouped", "head"]
    assert found.layers[0].csr is None
