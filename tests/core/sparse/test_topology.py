"""A topology is exact, immutable, and told from another by its bits."""

import copy

import pytest
import torch
from torch import tensor

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.topology import Masks, Topology


@pytest.fixture
def topology() -> Topology:
    """Five of nine weights in two layers."""
    return Topology.from_masks(
        {"a": tensor([[1, 1, 0], [1, 0, 0]]), "b": tensor([True, False, True])}
    )


def mask(*bits: int) -> torch.Tensor:
    """A bool tensor from 0 and 1."""
    return tensor(bits, dtype=torch.bool)


def test_counts_and_density_are_of_active_weights(topology: Topology) -> None:
    """Counts come by layer and in total; density is the fraction kept."""
    assert topology.active() == {"a": 3, "b": 2}
    assert topology.shapes == {"a": (2, 3), "b": (3,)}
    assert (topology.total_active, topology.total) == (5, 9)
    assert topology.density == 5 / 9


def test_dense_has_every_weight() -> None:
    """A dense topology has density 1 and nothing to replace."""
    dense = Topology.dense({"a": (2, 3), "b": (4,)})

    assert dense.density == 1.0
    assert dense.replaceable() == {"a": 0, "b": 0}


def test_replaceable_leaves_one_weight_and_needs_as_many_places() -> None:
    """Few inactive places, or few active weights, each limit what a layer may give up."""
    topology = Topology.from_masks({"nearly dense": mask(1, 1, 1, 0), "thin": mask(1, 1, 0, 0, 0)})

    assert topology.replaceable() == {"nearly dense": 1, "thin": 1}


def test_replaced_moves_weights(topology: Topology) -> None:
    """Dropped weights go, grown ones come, and layers that are not named stay."""
    after = topology.replace(
        {"a": tensor([[True, False, False], [False, False, False]])}, {"b": mask(0, 1, 0)}
    )

    assert after.active() == {"a": 2, "b": 3}
    assert not after.masks["a"][0, 0]
    assert topology.active() == {"a": 3, "b": 2}, "the topology before is as it was"


@pytest.mark.parametrize(
    ("dropped", "grown", "message"),
    [
        ({"b": mask(0, 1, 0)}, {"b": mask(0, 1, 0)}, "b: 1 of the dropped weights are not active"),
        ({"b": mask(1, 0, 0)}, {"b": mask(0, 0, 1)}, "b: 1 of the grown weights are active alr"),
        ({"b": mask(1, 0, 0)}, {"b": mask(1, 0, 0)}, "b: 1 of the grown weights are active alr"),
        ({"b": mask(1, 0, 0)}, {}, "1 weights were dropped but 0 grown"),
        ({"c": mask(1)}, {}, "c: no layer has this name"),
        ({"b": mask(1, 0)}, {}, r"b: the mask have shape \(2,\), the layer has \(3,\)"),
        ({"b": tensor([1, 0, 0])}, {}, "b: the mask is torch.int64, not torch.bool"),
        (
            {"b": mask(1, 0, 1)},
            {"a": tensor([[False, False, True], [False, True, False]])},
            "b: the layer has no active weight",
        ),
    ],
)
def test_replaced_refuses_what_breaks_the_topology(
    topology: Topology, dropped: Masks, grown: Masks, message: str
) -> None:
    """Each broken rule has a message that names the layer, and nothing changes."""
    with pytest.raises(TopologyError, match=message):
        topology.replace(dropped, grown)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({}, "at least one layer"),
        ({"a": tensor([0, 0])}, "a: the layer has no active weight"),
        ({"a": tensor([0.5, 1.0])}, "a: a mask holds nothing but 0 and 1"),
    ],
)
def test_from_masks_refuses_what_is_no_mask(masks: Masks, message: str) -> None:
    """Weights handed over instead of masks are an error, not a mask of their non-zeros."""
    with pytest.raises(TopologyError, match=message):
        Topology.from_masks(masks)


def test_from_masks_copies() -> None:
    """Writing into the tensor a topology was made from does not change the topology."""
    own = mask(1, 0)
    topology = Topology.from_masks({"a": own})

    own[1] = True

    assert topology.masks["a"].tolist() == [True, False]


def test_masks_cannot_be_reassigned(topology: Topology) -> None:
    """The mapping that a topology shows is read-only."""
    with pytest.raises(TypeError):
        topology.masks["a"] = mask(1)  # type: ignore[index]


def test_digest_tells_bits_names_and_shapes_apart() -> None:
    """One moved bit, another name and another shape each give another digest; order does not."""
    digests = {
        Topology.from_masks(masks).digest()
        for masks in (
            {"a": mask(1, 0, 1, 0)},
            {"a": mask(1, 1, 0, 0)},
            {"b": mask(1, 0, 1, 0)},
            {"a": mask(1, 0, 1, 0).view(2, 2)},
            {"a": mask(1, 0, 1, 0, 0)},
        )
    }
    assert len(digests) == 5
    one, two = mask(1, 0), mask(0, 1)
    forwards = Topology.from_masks({"a": one, "b": two})
    assert forwards.digest() == Topology.from_masks({"b": two, "a": one}).digest()


def test_equality_is_that_of_the_bits(topology: Topology) -> None:
    """A copy is equal and hashes alike; one moved weight is not."""
    twin = copy.deepcopy(topology)
    moved = topology.replace({"b": mask(1, 0, 0)}, {"b": mask(0, 1, 0)})

    assert (twin, hash(twin)) == (topology, hash(topology))
    assert moved != topology
    assert topology != "a topology"


def test_floats_like_follows_dtype() -> None:
    """Float masks come in the dtype of the weights they will multiply."""
    topology = Topology.from_masks({"a": mask(1, 0)})

    factors = topology.floats_like({"a": torch.zeros(2, dtype=torch.bfloat16)})

    assert factors["a"].dtype is torch.bfloat16
    assert factors["a"].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({}, "a: the weights lack this layer"),
        ({"a": torch.zeros(3)}, r"a: the weights have shape \(3,\), the layer has \(2,\)"),
    ],
)
def test_require_match_names_what_does_not_fit(
    tensors: dict[str, torch.Tensor], message: str
) -> None:
    """A missing or misshapen tensor is named, and so is what it should have been."""
    with pytest.raises(TopologyError, match=message):
        Topology.from_masks({"a": mask(1, 0)}).require_match(tensors, what="weights")


def test_united_topologies_have_the_weights_of_both() -> None:
    """By hand; one of other layers is refused."""
    one = Topology.from_masks({"a": tensor([1, 0, 0]), "b": tensor([1, 0])})
    other = Topology.from_masks({"a": tensor([0, 0, 1]), "b": tensor([1, 0])})

    assert one.unite(other) == Topology.from_masks({"a": tensor([1, 0, 1]), "b": tensor([1, 0])})
    with pytest.raises(TopologyError, match="no layer has this name"):
        one.unite(Topology.from_masks({"a": tensor([1, 0, 0])}))
    with pytest.raises(TopologyError, match="no layer has this name"):
        Topology.from_masks({"a": tensor([1, 0, 0])}).unite(one)
