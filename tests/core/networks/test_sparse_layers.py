"""Weights that may be sparse, by kind of layer and by name; shared ones count once."""

import pytest
import torch
from torch import nn

from safecompress_core.errors import TopologyError
from safecompress_core.networks.sparse_layers import DEFAULT_RULE, SparseRule, sparsifiable_weights


class Tied(nn.Module):
    """A network whose embedding shares the last layer's weight, and with a module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(4, 9, bias=False)
        self.embed = nn.Embedding(9, 4)
        self.embed.weight = self.out.weight
        self.first = nn.Linear(4, 4)
        self.again = self.first
        self.norm = nn.LayerNorm(4)


def test_a_weight_that_an_embedding_shares_stays_dense_with_it() -> None:
    """In any order of registration; a shared module counts once."""
    assert list(sparsifiable_weights(Tied(), DEFAULT_RULE)) == ["first.weight"]


def test_embeddings_may_be_sparse_where_a_rule_says_so() -> None:
    """The tied weight, once, under its first name."""
    found = sparsifiable_weights(Tied(), SparseRule(layers=("linear", "embedding")))

    assert list(found) == ["out.weight", "first.weight"]


def test_projections_of_attention_may_be_sparse() -> None:
    """They are parameters of the module itself; its biases are not."""
    assert {
        name: tuple(one.shape)
        for name, one in sparsifiable_weights(nn.MultiheadAttention(4, 2), DEFAULT_RULE).items()
    } == {"in_proj_weight": (12, 4), "out_proj.weight": (4, 4)}
    apart = nn.MultiheadAttention(4, 2, kdim=3, vdim=5)
    assert set(sparsifiable_weights(apart, DEFAULT_RULE)) == {
        "q_proj_weight",
        "k_proj_weight",
        "v_proj_weight",
        "out_proj.weight",
    }


def test_a_grouped_convolution_counts_the_weights_that_it_has() -> None:
    """A quarter of a full one's, with four groups."""
    [weight] = sparsifiable_weights(nn.Conv2d(8, 8, 3, groups=4), DEFAULT_RULE).values()

    assert weight.numel() == 8 * 2 * 9


def test_patterns_say_which() -> None:
    """One of ``include`` has to fit, and none of ``exclude``; a tied weight has all its names."""
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(2, 2), nn.Linear(2, 3))

    assert list(sparsifiable_weights(network, SparseRule(exclude=("2.*",)))) == [
        "0.weight",
        "1.weight",
    ]
    assert list(sparsifiable_weights(network, SparseRule(include=("1.*",)))) == ["1.weight"]
    assert list(sparsifiable_weights(network, SparseRule(layers=("convolution",)))) == ["0.weight"]
    assert list(sparsifiable_weights(Tied(), SparseRule(include=("again.*",)))) == ["first.weight"]


@pytest.mark.parametrize("field", ["include", "exclude"])
def test_a_pattern_that_fits_nothing_is_refused(field: str) -> None:
    """With the weights that it could name."""
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))
    message = "'3.*' fits no weight; there are: 0.weight, 1.weight"
    with pytest.raises(TopologyError, match=message):
        sparsifiable_weights(network, SparseRule(**{field: ("3.*",)}))


def test_a_rule_that_leaves_nothing_is_refused() -> None:
    """There would be nothing to compress."""
    network = nn.Linear(2, 2)
    for rule in (SparseRule(exclude=("weight",)), SparseRule(layers=("convolution",))):
        with pytest.raises(TopologyError, match="no weight that may be sparse"):
            sparsifiable_weights(network, rule)
    assert torch.equal(sparsifiable_weights(network, DEFAULT_RULE)["weight"], network.weight)
