"""Ranking with precedence of some positions over all others."""

from torch import Tensor

from safecompress_core.toolkit import largest

__all__ = ["largest_in_turn"]


def largest_in_turn(values: Tensor, eligible: Tensor, first: Tensor, count: int) -> Tensor:
    """Select the ``count`` largest eligible positions, those of ``first`` before others.

    Args:
        values: floating point, any shape.
        eligible: bool, of the same shape.
        first: bool, of the same shape; others are selected only when these do not suffice.
        count: in [0, number of eligible positions].

    Returns:
        A bool mask of the same shape with exactly ``count`` True; ties as in `largest`.
    """
    ahead = eligible & first
    missing = count - int(ahead.sum())
    if missing <= 0:
        # Ties inside `ahead` break as in `largest`, whatever is outside of it.
        return largest(values, ahead, count)
    return ahead | largest(values, eligible & ~first, missing)
