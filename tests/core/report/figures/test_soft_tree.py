"""Drawing of a soft decision tree: nodes as wide as their shares, in the order of the tree."""

import pytest

from safecompress_core.report.figures.soft_tree import TreeNode, tree_nodes

TREE = {
    "shares": [0.1, 0.3, 0.4, 0.2],
    "labels": [1, 0, 1, 1],
    "confidences": [0.9, 0.6, 0.5, 0.7],
    "inputs": [5, 2, 63],
}


def test_a_node_is_as_wide_as_its_leaves() -> None:
    """Worked by hand for a tree of two levels."""
    nodes = list(tree_nodes(TREE, ["no", "yes"]))

    assert [(node.level, node.text) for node in nodes] == [
        (0, "input 5"),
        (1, "input 2"),
        (1, "input 63"),
        (2, "yes"),
        (2, "no"),
        (2, "yes"),
        (2, "yes"),
    ]
    assert [node.share for node in nodes] == pytest.approx([1, 0.4, 0.6, 0.1, 0.3, 0.4, 0.2])
    assert [node.left for node in nodes] == pytest.approx([0, 0, 0.4, 0, 0.1, 0.4, 0.8])


def test_leaves_alone_have_a_confidence() -> None:
    """Which the drawing shows by the strength of a colour."""
    nodes: list[TreeNode] = list(tree_nodes(TREE, ["no", "yes"]))

    assert [node.confidence for node in nodes] == [None, None, None, 0.9, 0.6, 0.5, 0.7]
