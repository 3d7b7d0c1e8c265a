"""Groups of consecutive weights, and the largest of each."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.ao.pruning import WeightNormSparsifier

from safecompress_plugins.strategies.groups import active_of_groups, largest_of_groups


@given(
    outputs=st.integers(1, 5),
    groups=st.integers(1, 4),
    m=st.integers(2, 8),
    kernel=st.integers(0, 3),
    data=st.data(),
)
def test_every_group_keeps_its_n_largest(
    outputs: int, groups: int, m: int, kernel: int, data: st.DataObject
) -> None:
    """Exactly n of each, ties included; a kernel's places are groups of their own."""
    n = data.draw(st.integers(1, m - 1))
    shape = (outputs, groups * m, *(kernel,) * (2 if kernel else 0))
    seed = data.draw(st.integers(0, 2**31))
    values = torch.randint(0, 5, shape, generator=torch.Generator().manual_seed(seed)).float()

    mask = largest_of_groups(values, n=n, m=m)

    assert mask.shape == values.shape
    for start in range(0, groups * m, m):
        inside, sizes = mask[:, start : start + m], values[:, start : start + m]
        assert (inside.sum(dim=1) == n).all()
        smallest_kept = sizes.masked_fill(~inside, torch.inf).amin(dim=1)
        largest_gone = sizes.masked_fill(inside, -torch.inf).amax(dim=1)
        assert (smallest_kept >= largest_gone).all()


def test_a_case_by_hand() -> None:
    """Of equal weights the first ones stay; groups end where the output ends."""
    values = torch.tensor(
        [[1.0, 5.0, 2.0, 3.0, 1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 9.0, 0.0, *[2.0] * 4]]
    )

    assert largest_of_groups(values, n=2, m=4).int().tolist() == [
        [0, 1, 0, 1, 1, 1, 0, 0],
        [0, 1, 1, 0, 1, 1, 0, 0],
    ]


def test_groups_are_counted_as_they_are_chosen() -> None:
    """A convolution's groups run along its input channels, at each place of the kernel."""
    mask = torch.zeros(1, 4, 1, 2, dtype=torch.bool)
    mask[0, :3, 0, 1] = True

    assert active_of_groups(mask, m=2).tolist() == [[[[0, 2]], [[0, 1]]]]


def test_the_2_of_4_of_a_layer_are_those_of_torch() -> None:
    """Held against torch's sparsifier, which other people wrote."""
    layer = nn.Linear(32, 6)
    with torch.no_grad():
        layer.weight.normal_(generator=torch.Generator().manual_seed(4))
    own = largest_of_groups(layer.weight.detach().abs(), n=2, m=4)
    theirs = WeightNormSparsifier(sparsity_level=1.0, sparse_block_shape=(1, 4), zeros_per_block=2)
    network = nn.Sequential(layer)
    theirs.prepare(network, [{"tensor_fqn": "0.weight"}])
    theirs.step()
    theirs.squash_mask()

    assert torch.equal(own, network[0].weight != 0)
