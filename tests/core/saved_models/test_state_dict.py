"""State dicts as training tools write them."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from safecompress_core.errors import ModelError
from safecompress_core.saved_models.state_dict import fill

State = dict[str, Tensor]


def network() -> nn.Sequential:
    """With weights of its own at each call."""
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))


def parallel(module: nn.Module) -> State:
    """As DataParallel names its weights."""
    return nn.DataParallel(module).state_dict()


def compiled(module: nn.Module) -> State:
    """As torch.compile names them."""
    return torch.compile(module, backend="eager").state_dict()  # type: ignore[union-attr]


def compiled_part(module: nn.Module) -> State:
    """A network of which one layer was compiled."""
    return {name.replace("2.", "2._orig_mod."): one for name, one in module.state_dict().items()}


def nested(module: nn.Module) -> State:
    """A state dict in a dictionary of a model of Lightning, flattened."""
    return {f"state_dict.model.{name}": one for name, one in module.state_dict().items()}


def both(module: nn.Module) -> State:
    """Compiled and parallel."""
    return {f"module._orig_mod.{name}": one for name, one in module.state_dict().items()}


def half(module: nn.Module) -> State:
    """In half precision, which these weights lose nothing in."""
    return {name: one.half() for name, one in module.state_dict().items()}


@pytest.mark.parametrize("written", [parallel, compiled, compiled_part, nested, both, half])
def test_weights_come_back_whatever_tool_wrote_them(written: object) -> None:
    """The network answers as the one that was saved."""
    saved, filled = network(), network()
    with torch.no_grad():
        for one in saved.parameters():
            one.copy_((one * 8).round() / 8)
    inputs = torch.rand(5, 4)

    fill(filled, written(saved), origin="file")  # type: ignore[operator]

    torch.testing.assert_close(filled(inputs), saved(inputs), rtol=0, atol=0)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_pruned_weights_are_multiplied_with_their_masks(prefix: str) -> None:
    """As torch.nn.utils.prune computes them; the network has no trace of it."""
    saved, filled = network(), network()
    prune.l1_unstructured(saved[0], "weight", amount=0.5)
    state = {prefix + name: one for name, one in saved.state_dict().items()}
    inputs = torch.rand(5, 4)

    fill(filled, state, origin="file")

    assert int((filled[0].weight == 0).sum()) == 6
    torch.testing.assert_close(filled(inputs), saved(inputs))


def test_a_network_that_is_pruned_itself_keeps_weights_and_masks_apart() -> None:
    """They are its own names."""
    saved, filled = network(), network()
    for one in (saved, filled):
        prune.random_unstructured(one[0], "weight", amount=0.5)

    fill(filled, saved.state_dict(), origin="file")

    assert torch.equal(filled.state_dict()["0.weight_mask"], saved.state_dict()["0.weight_mask"])


def test_a_name_of_the_network_is_no_prefix() -> None:
    """Weights that do not fit are named as the file has them."""
    state = {"0.0.weight": torch.zeros(3, 4), "0.0.bias": torch.zeros(3)}

    with pytest.raises(ModelError, match="do not fit the architecture: it lacks"):
        fill(network(), state, origin="file")


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int64])
def test_whole_numbers_are_no_weights(dtype: torch.dtype) -> None:
    """Quantised ones mean nothing without their scales."""
    state = {name: (one * 20).to(dtype) for name, one in network().state_dict().items()}
    name = str(dtype).removeprefix("torch.")

    with pytest.raises(ModelError, match=rf"0\.weight is {name} for float32, .*without their scal"):
        fill(network(), state, origin="file")


def test_a_counter_that_is_no_whole_number_is_refused() -> None:
    """A float that an integer holds is fine; half a batch is not."""
    filled = nn.BatchNorm1d(3)
    state = filled.state_dict()

    fill(filled, state | {"num_batches_tracked": torch.tensor(4.0)}, origin="file")
    assert int(filled.num_batches_tracked or 0) == 4
    with pytest.raises(ModelError, match="num_batches_tracked is float32 for int64"):
        fill(filled, state | {"num_batches_tracked": torch.tensor(4.5)}, origin="file")


def test_a_weight_beyond_the_range_is_refused() -> None:
    """It would be infinite."""
    state = {name: one.double() for name, one in network().state_dict().items()}
    state["0.bias"][1] = 1e300

    with pytest.raises(ModelError, match=r"0\.bias is float64 for float32"):
        fill(network(), state, origin="file")
