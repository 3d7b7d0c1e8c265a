"""Choosing exactly so many positions of a layer: the largest, the smallest, or any.

``kthvalue`` finds the value at the border, and only the ties there are distinguished, by index:
nothing is sorted, and counts are exact however many values are alike.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from safecompress_core.errors import TopologyError

__all__ = [
    "flatten",
    "largest",
    "largest_by_layer",
    "largest_overall",
    "random_positions",
    "smallest",
    "unflatten",
]


def largest(values: Tensor, eligible: Tensor, count: int) -> Tensor:
    """The ``count`` eligible positions with the largest values.

    Args:
        values: floating point, any shape; infinities are fine, NaN is chosen last.
        eligible: bool, of the same shape.
        count: in [0, number of eligible positions].

    Returns:
        A bool mask of the same shape with exactly ``count`` True. Of equal values, those that come
        first in memory order are chosen.

    Raises:
        TopologyError: if there are fewer than ``count`` eligible positions.
    """
    positions = _eligible_positions(eligible, count)
    chosen = torch.zeros(eligible.numel(), dtype=torch.bool, device=eligible.device)
    # kthvalue has no position for a count of 0.
    if count == 0:
        return chosen.view(eligible.shape)
    candidates = values.flatten()[positions]
    # NaN compares with nothing; it is chosen last.
    candidates = candidates.masked_fill(candidates.isnan(), -torch.inf)
    # kthvalue counts from the smallest, starting at 1.
    border = candidates.kthvalue(len(candidates) - count + 1).values
    above = candidates > border
    tied = positions[candidates == border]
    chosen[positions[above]] = True
    # Ties go to the first positions in memory, so that the result is reproducible.
    chosen[tied[: count - int(above.count_nonzero())]] = True
    return chosen.view(eligible.shape)


def smallest(values: Tensor, eligible: Tensor, count: int) -> Tensor:
    """The ``count`` eligible positions with the smallest values; otherwise like `largest`."""
    return largest(-values, eligible, count)


def largest_by_layer(
    values: Mapping[str, Tensor],
    counts: Mapping[str, int],
    *,
    eligible: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """The positions with the largest values of each layer by itself, as in `largest`.

    Args:
        values: by layer, floating point.
        counts: by layer.
        eligible: by layer, bool masks of the same shapes; None for all positions.

    Raises:
        TopologyError: if a layer has fewer eligible positions than its count.
    """

    def positions(name: str, value: Tensor) -> Tensor:
        return torch.ones_like(value, dtype=torch.bool) if eligible is None else eligible[name]

    return {
        name: largest(value, positions(name, value), counts[name]) for name, value in values.items()
    }


def largest_overall(values: Mapping[str, Tensor], count: int) -> dict[str, Tensor]:
    """The ``count`` positions with the largest values of all layers together.

    A layer with no position would let nothing through, so each has the largest of its own.

    Args:
        values: by layer, floating point.
        count: in [number of layers, number of positions].

    Returns:
        By layer, a bool mask of its shape. Ties go as in `largest`, earlier layers first.

    Raises:
        TopologyError: if there are more layers, or fewer positions, than ``count``.
    """
    # With fewer weights than layers, one of these would be empty.
    if count < len(values):
        raise TopologyError(f"{len(values)} layers cannot share {count} weights; each needs one")
    shapes = {name: value.shape for name, value in values.items()}
    # nan_to_num would otherwise replace infinity by the largest float, and create ties.
    flat = flatten(values).nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
    first = torch.zeros(flat.shape, dtype=torch.bool, device=flat.device)
    start = 0
    for shape in shapes.values():
        end = start + shape.numel()
        # The first of equal maxima, as for ties in `largest`.
        first[start + flat[start:end].argmax()] = True
        start = end
    # What remains is chosen over all layers together, in addition to each layer's first.
    return unflatten(first | largest(flat, ~first, count - len(values)), shapes)


def random_positions(eligible: Tensor, count: int, *, generator: torch.Generator) -> Tensor:
    """Exactly ``count`` eligible positions, every such set being equally likely.

    Args:
        eligible: bool, any shape.
        count: in [0, number of eligible positions].
        generator: on the CPU.

    Raises:
        TopologyError: if there are fewer than ``count`` eligible positions.
    """
    positions = _eligible_positions(eligible, count)
    # Drawn on the CPU, so that a seed chooses the same weights on every device.
    order = torch.randperm(len(positions), generator=generator)
    chosen = torch.zeros(eligible.numel(), dtype=torch.bool, device=eligible.device)
    chosen[positions[order[:count].to(positions.device)]] = True
    return chosen.view(eligible.shape)


def flatten(tensors: Mapping[str, Tensor]) -> Tensor:
    """All layers as one, shape (total,), so that a choice is made over all of them at once."""
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


def unflatten(flat: Tensor, shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """Undo `flatten`, given the shapes in the same order.

    >>> from torch import tensor
    >>> layers = {"a": tensor([[1, 2]]), "b": tensor([3])}
    >>> unflatten(flatten(layers), {"a": (1, 2), "b": (1,)})
    {'a': tensor([[1, 2]]), 'b': tensor([3])}
    """
    sizes = [torch.Size(shape).numel() for shape in shapes.values()]
    parts = torch.split(flat, sizes)
    return {name: part.view(*shapes[name]) for name, part in zip(shapes, parts, strict=True)}


def _eligible_positions(eligible: Tensor, count: int) -> Tensor:
    """Indices of the eligible positions in memory order, after checking that they suffice."""
    # nonzero is in memory order, by which ties are broken.
    positions = eligible.flatten().nonzero().squeeze(1)
    # A rule that asks for too many would otherwise fail inside kthvalue, without a reason.
    if not 0 <= count <= len(positions):
        raise TopologyError(f"cannot choose {count} of {len(positions)} eligible weights")
    return positions
