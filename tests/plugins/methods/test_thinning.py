"""Which weights stay."""

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from safecompress_plugins.methods.thinning import largest_topology


def layers() -> dict[str, nn.Linear]:
    """Two layers of very different sizes of weights."""
    generator = torch.Generator().manual_seed(2)
    made = {"first": nn.Linear(12, 9), "second": nn.Linear(9, 4)}
    with torch.no_grad():
        for scale, layer in zip((1.0, 0.7), made.values(), strict=True):
            layer.weight.normal_(std=scale, generator=generator)
    return made


def mask_of(layer: nn.Module) -> Tensor:
    """What torch has left of a layer."""
    mask = layer.weight_mask
    assert isinstance(mask, Tensor)
    return mask.bool()


def test_globally_it_is_what_torch_prunes() -> None:
    """``torch.nn.utils.prune.global_unstructured`` by L1, as many as are left over."""
    ours, theirs = layers(), layers()
    topology = largest_topology(
        {name: one.weight.abs() for name, one in ours.items()}, 0.25, "global"
    )
    prune.global_unstructured(
        [(layer, "weight") for layer in theirs.values()],
        pruning_method=prune.L1Unstructured,
        amount=144 - 36,
    )

    assert topology.total_active == 36
    for name, layer in theirs.items():
        assert torch.equal(topology.masks[name], mask_of(layer))


def test_by_layer_it_is_what_torch_prunes_in_each() -> None:
    """The same fraction everywhere, however small a layer's weights are."""
    ours, theirs = layers(), layers()
    topology = largest_topology(
        {name: one.weight.abs() for name, one in ours.items()}, 0.25, "layer"
    )
    for layer in theirs.values():
        prune.l1_unstructured(layer, "weight", amount=0.75)

    assert topology.active() == {"first": 27, "second": 9}
    for name, layer in theirs.items():
        assert torch.equal(topology.masks[name], mask_of(layer))
