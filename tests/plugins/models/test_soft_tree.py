"""Soft decision tree: paths, answers, and what each part of the interface sees of it."""

import itertools

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from safecompress_core.networks.classifier import Classifier
from safecompress_plugins.models.manifest import SoftTreeParams
from safecompress_plugins.models.soft_tree import SoftTree, SoftTreeFactory, node_shares


def build(**changes: object) -> SoftTree:
    """Return a new tree for handwritten digits."""
    factory = SoftTreeFactory(SoftTreeParams.model_validate(changes))
    generator = torch.Generator().manual_seed(5)
    tree = factory.build(input_shape=(1, 8, 8), classes=10, generator=generator)
    assert isinstance(tree, SoftTree)
    return tree


@pytest.fixture(scope="module")
def digits() -> Tensor:
    """Return 40 digits, shape (40, 1, 8, 8), values in [0, 1]."""
    return torch.tensor(load_digits().images[:40] / 16, dtype=torch.float32).unsqueeze(1)


def walk(tree: SoftTree, sample: Tensor, beta: float, turns: tuple[int, ...]) -> float:
    """Return the probability of a path, node by node as the paper writes it."""
    node, probability = 0, 1.0
    for turn in turns:
        weight, bias = tree.filters.weight[node], tree.filters.bias[node]
        right = torch.sigmoid(beta * (weight @ sample.flatten() + bias)).item()
        probability *= right if turn else 1 - right
        node = 2 * node + 1 + turn  # children in a tree that is numbered level by level
    return probability


@pytest.mark.parametrize(("depth", "beta"), [(1, 1.0), (3, 1.0), (4, 2.5)])
def test_a_leafs_probability_is_the_product_of_the_decisions_on_its_path(
    digits: Tensor, depth: int, beta: float
) -> None:
    """Leaves are in the order of their paths, left before right."""
    tree = build(depth=depth, beta=beta)
    wanted = [
        [walk(tree, sample, beta, turns) for turns in itertools.product((0, 1), repeat=depth)]
        for sample in digits[:5]
    ]

    paths = tree.path_probabilities(digits[:5])

    torch.testing.assert_close(paths, torch.tensor(wanted), rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(paths.sum(dim=1), torch.ones(5))


def test_a_mixture_averages_the_logits_of_leaves(digits: Tensor) -> None:
    """By their probability; the representation is that probability."""
    tree = build(depth=3)
    network = Classifier(tree, sample=digits[:1])
    logits, representation = network.represent(digits)

    torch.testing.assert_close(representation, tree.path_probabilities(digits))
    torch.testing.assert_close(logits, representation @ tree.leaves.weight.T)
    assert network.head is tree.leaves


def test_a_leaf_answers_alone_in_eval_mode_and_trains_softly(digits: Tensor) -> None:
    """There are as many answers as leaves at most, and training sees all paths."""
    tree = build(depth=3, answer="leaf")
    best = tree.path_probabilities(digits).argmax(dim=1)

    assert torch.equal(tree.eval()(digits), tree.leaves.weight.T[best])
    torch.testing.assert_close(
        tree.train()(digits), tree.path_probabilities(digits) @ tree.leaves.weight.T
    )


def test_the_share_of_a_node_is_that_of_its_leaves() -> None:
    """Worked by hand, for eight leaves."""
    leaves = torch.tensor([0.1, 0.2, 0.0, 0.1, 0.3, 0.1, 0.1, 0.1])

    levels = node_shares(leaves)

    assert [len(level) for level in levels] == [1, 2, 4, 8]
    torch.testing.assert_close(levels[1], torch.tensor([0.4, 0.6]))
    torch.testing.assert_close(levels[2], torch.tensor([0.3, 0.1, 0.4, 0.2]))
    assert torch.equal(levels[3], leaves)


def test_the_same_generator_gives_the_same_tree() -> None:
    """And another one another tree."""
    other = SoftTreeFactory(SoftTreeParams()).build(
        input_shape=(1, 8, 8), classes=10, generator=torch.Generator().manual_seed(6)
    )
    first, second = build().state_dict(), build().state_dict()

    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["filters.weight"], other.state_dict()["filters.weight"])
