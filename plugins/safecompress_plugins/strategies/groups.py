"""Groups of m consecutive weights along a layer's inputs."""

import torch
from torch import Tensor

__all__ = ["active_of_groups", "divides", "largest_of_groups"]


def largest_of_groups(values: Tensor, *, n: int, m: int) -> Tensor:
    """Select the n largest of every m consecutive values along the second dimension.

    In a linear layer (outputs, inputs) a group is consecutive inputs of one output; in a
    convolution (outputs, inputs, ...) consecutive input channels at one kernel position.

    Args:
        values: shape (O, I, ...), where m divides I.
        n: selected values per group, in (0, m).
        m: values per group.

    Returns:
        A bool mask of the same shape with exactly n True in each group; ties select the first.
    """
    # The inputs' dimension last: unflatten then makes each group one row.
    groups = values.movedim(1, -1).unflatten(-1, (-1, m))
    # A stable sort, since topk leaves the order of ties open.
    order = groups.argsort(dim=-1, descending=True, stable=True)
    mask = torch.zeros_like(groups, dtype=torch.bool).scatter_(-1, order[..., :n], value=True)
    return mask.flatten(-2).movedim(-1, 1)


def active_of_groups(mask: Tensor, *, m: int) -> Tensor:
    """Count the True values of each group, for groups as in `largest_of_groups`."""
    groups: Tensor = mask.unflatten(1, (-1, m))
    return groups.sum(dim=2)


def divides(m: int, weight: Tensor) -> bool:
    """Return whether m divides the number of a layer's inputs."""
    # A bias-like vector has no inputs, and so no groups.
    return weight.ndim > 1 and weight.shape[1] % m == 0
