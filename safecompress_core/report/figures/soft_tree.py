"""Drawing of a soft decision tree: each level a row, each node as wide as its share of samples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from safecompress_core.report.figures.svg import Color, SvgFigure, render_figure
from safecompress_core.results.schema import Results

__all__ = ["TreeNode", "soft_tree", "tree_nodes"]

WIDTH, ROW = 560, 34
LEAF = 3.0
"""Height of the row of leaves, in rows."""
GAP = 0.08
"""Space below a row, in rows."""
LETTER, LINE = 7.5, 14.0
"""Width of a letter and height of a line, in CSS pixels; text without room is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode:
    """A node of the drawing.

    Attributes:
        level: 0 for the root.
        left: share of the samples in the nodes to its left, in [0, 1].
        share: of the samples, in [0, 1].
        text: a leaf's label; of an inner node the input with the largest weight.
        confidence: a leaf's probability of its label; None for an inner node.
    """

    level: int
    left: float
    share: float
    text: str
    confidence: float | None = None


def soft_tree(results: Results) -> SvgFigure | None:
    """Return the drawing of the tree of method ``soft-tree``; None for other methods."""
    labels = [label.name for label in results.data.labels]
    for phase in () if results.method is None else results.method.phases:
        if phase.model_extra and "tree" in phase.model_extra:
            return _draw_tree(list(tree_nodes(phase.model_extra["tree"], labels)))
    return None


def tree_nodes(tree: dict[str, Any], labels: Sequence[str]) -> Iterator[TreeNode]:
    """Return the nodes of a tree, level by level and from left to right.

    Args:
        tree: ``shares``, ``labels``, ``confidences`` by leaf, and ``inputs`` by inner node.
        labels: names of the task's labels.
    """
    shares = tree["shares"]
    depth = len(shares).bit_length() - 1
    for level in range(depth):
        leaves = len(shares) >> level  # under a node of this level
        for place in range(2**level):
            first = place * leaves
            yield TreeNode(
                level=level,
                left=sum(shares[:first]),
                share=sum(shares[first : first + leaves]),
                text=f"input {tree['inputs'][2**level - 1 + place]}",
            )
    for leaf, share in enumerate(shares):
        yield TreeNode(
            level=depth,
            left=sum(shares[:leaf]),
            share=share,
            text=labels[tree["labels"][leaf]],
            confidence=tree["confidences"][leaf],
        )


def _draw_tree(nodes: Sequence[TreeNode]) -> SvgFigure:
    depth = nodes[-1].level

    def draw(axes: Axes) -> None:
        for node in nodes:
            _draw_node(axes, node)
        axes.set_xlim(0, 1)
        axes.set_ylim(depth + LEAF, 0)
        axes.set_axis_off()

    leaves = [node for node in nodes if node.confidence is not None]
    largest = sorted(leaves, key=lambda leaf: -leaf.share)[:5]
    values = "; ".join(
        f"{leaf.text} with confidence {leaf.confidence:.2f}, {leaf.share:.0%} of the members"
        for leaf in largest
    )
    return render_figure(
        draw,
        name="soft-tree",
        title="Soft decision tree",
        description=f"{len(leaves)} leaves. The largest: {values}.",
        size=(WIDTH, round(ROW * (depth + LEAF))),
        margins=(2, 2, 2, 2),
    )


def _draw_node(axes: Axes, node: TreeNode) -> None:
    is_leaf = node.confidence is not None
    height = LEAF if is_leaf else 1
    box = Rectangle(
        (node.left, node.level),
        node.share,
        height - GAP,
        facecolor=Color.AFTER if is_leaf else Color.OTHER,
        edgecolor=Color.GROUND,
        linewidth=1,
        alpha=0.3 if node.confidence is None else 0.15 + 0.55 * node.confidence,
    )
    axes.add_patch(box)
    # A leaf's label is written upwards, since leaves are narrow.
    if (LINE if is_leaf else LETTER * len(node.text)) <= node.share * WIDTH:
        axes.text(
            node.left + node.share / 2,
            node.level + (height - GAP) / 2,
            node.text,
            ha="center",
            va="center",
            color=Color.TEXT,
            rotation=90 if is_leaf else 0,
            clip_on=True,
        )
