"""A topology at a lower density is a part of what it was."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import tensor

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.thinning import is_reachable, thin_out
from safecompress_core.sparse.topology import Topology

# Few distinct values, so that ties are the rule.
VALUES = st.sampled_from([-2.0, -0.5, -0.0, 0.0, 0.5, 1.0])
Case = tuple[Topology, dict[str, torch.Tensor]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A topology of one to four layers, and its weights."""
    masks, weights = {}, {}
    for index in range(draw(st.integers(1, 4))):
        pairs = draw(st.lists(st.tuples(VALUES, st.booleans()), min_size=1, max_size=30))
        mask = tensor([is_active for _, is_active in pairs])
        mask[draw(st.integers(0, len(pairs) - 1))] = True
        masks[f"layer{index}"] = mask
        weights[f"layer{index}"] = tensor([value for value, _ in pairs])
    return Topology.from_masks(masks), weights


def test_layers_shrink_in_proportion_and_the_smallest_weights_go() -> None:
    """Half of 6 and 4 weights is 3 and 2; of the equal 0.3 the first in memory order remains."""
    topology = Topology.from_masks(
        {"a": tensor([1, 1, 1, 1, 1, 1, 0, 0, 0, 0]), "b": tensor([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])}
    )
    weights = {
        "a": tensor([-0.9, 0.1, 0.3, -0.3, 0.8, 0.2, 9.0, 9.0, 9.0, 9.0]),
        "b": tensor([0.1, -0.2, 0.3, 0.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0]),
    }

    thinned = thin_out(topology, weights, 0.25)

    assert thinned.masks["a"].int().tolist() == [1, 0, 1, 0, 1, 0, 0, 0, 0, 0]
    assert thinned.masks["b"].int().tolist() == [0, 1, 1, 0, 0, 0, 0, 0, 0, 0]


def test_a_small_layer_keeps_a_weight_at_the_cost_of_the_others() -> None:
    """Of 5 weights 1 and 97 have shares 0.05 and 4.95, which would be 0 and 5."""
    topology = Topology.dense({"small": (1, 1), "large": (97, 1)})
    weights = {"small": tensor([[0.0]]), "large": torch.arange(97.0)[:, None]}

    thinned = thin_out(topology, weights, 5 / 98)

    assert thinned.active() == {"small": 1, "large": 4}
    assert thinned.masks["large"].flatten().nonzero().flatten().tolist() == [93, 94, 95, 96]


@given(case=cases(), density=st.floats(0.01, 1.0))
def test_a_thinned_topology_is_an_exact_part_of_what_it_was(case: Case, density: float) -> None:
    """No weight comes back, and each layer has the largest of its own.

    Where each layer's share is a weight at least, it gets that share to within one weight.
    """
    topology, weights = case
    total = round(density * topology.total)
    if not is_reachable(topology, density):
        with pytest.raises(TopologyError, match="cannot be thinned out to"):
            thin_out(topology, weights, density)
        return

    thinned = thin_out(topology, weights, density)

    assert thinned.total_active == total
    assert thinned.unite(topology) == topology
    for name, mask in thinned.masks.items():
        magnitudes, active = weights[name].abs().numpy(), np.flatnonzero(topology.masks[name])
        order = active[np.argsort(-magnitudes[active], kind="stable")]
        assert np.flatnonzero(mask).tolist() == sorted(order[: int(mask.sum())].tolist())
    share = total / topology.total_active
    if all(share * count >= 1 for count in topology.active().values()):
        for name, count in topology.active().items():
            assert abs(thinned.active()[name] - share * count) < 1


def test_the_density_of_the_topology_itself_changes_nothing() -> None:
    """Whatever the weights are."""
    topology = Topology.from_masks({"a": tensor([0, 1, 0, 1])})

    assert thin_out(topology, {"a": torch.zeros(4)}, 0.5) == topology


@pytest.mark.parametrize("density", [0.75, 0.1, 0.0, -1.0])
def test_more_weights_or_fewer_than_layers_are_refused(density: float) -> None:
    """With the densities that are possible."""
    topology = Topology.from_masks({"a": tensor([1, 0, 1, 0]), "b": tensor([1, 1, 0, 0])})
    weights = {"a": torch.ones(4), "b": torch.ones(4)}

    assert not is_reachable(topology, density)
    with pytest.raises(TopologyError, match=r"between 0\.25 and 0\.5 each of its 2 layers"):
        thin_out(topology, weights, density)


def test_weights_of_another_shape_are_refused() -> None:
    """They are another network's."""
    with pytest.raises(TopologyError, match="the weights have shape"):
        thin_out(Topology.dense({"a": (4,)}), {"a": torch.ones(3)}, 0.5)
