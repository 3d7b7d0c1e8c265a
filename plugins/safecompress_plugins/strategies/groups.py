"""Groups of m consecutive weights along a layer's inputs."""

import torch
from torch import Tensor

__all__ = ["active_of_groups", "divides", "largest_of_groups"]


def largest_of_groups(values: Tensor, *, n: int, m: int) -> Tensor:
    """The n largest of every m consecutive values along the second dimension.

    In a linear layer (outputs, inputs) these belong to consecutive inputs of one output; in a
    convolution (outputs, inputs, ...) to consecutive input channels at one place of the kernel.

    Args:
        values: shape (O, I, ...), where m divides I.
        n: how many are kept, in (0, m).
        m: how many are a group.

    Returns:
        A bool mask of the same shape with exactly n True in each group; of equal values, those
        that come first.
    """
    groups = values.movedim(1, -1).unflatten(-1, (-1, m))
    order = groups.argsort(dim=-1, descending=True, stable=True)
    mask = torch.zeros_like(groups, dtype=torch.bool).scatter_(-1, order[..., :n], value=True)
    return mask.flatten(-2).movedim(-1, 1)


def active_of_groups(mask: Tensor, *, m: int) -> Tensor:
    """How many of each group are True, for groups as in `largest_of_groups`."""
    groups: Tensor = mask.unflatten(1, (-1, m))
    return groups.sum(dim=2)


def divides(m: int, weight: Tensor) -> bool:
    """Whether a layer's inputs are whole groups of m."""
    return weight.ndim > 1 and weight.shape[1] % m == 0
