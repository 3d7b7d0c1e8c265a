"""What an attacker that learns has to know: a truth, with something in it to learn from."""

from torch import Tensor

from safecompress_core.toolkit import Evidence, PoolError

__all__ = ["known_attribute", "known_membership"]


def known_membership(known: Evidence) -> Tensor:
    """Who is a member, shape (N,), bool; there are some of either kind.

    Raises:
        PoolError: if members or non-members are missing.
    """
    if known.truth is None or known.truth.all() or not known.truth.any():
        raise PoolError("a membership attack learns from members and from non-members")
    return known.truth


def known_attribute(known: Evidence) -> Tensor:
    """The value of each sample, shape (N,), int64; there is at least one sample.

    Raises:
        PoolError: if there is no sample to learn from.
    """
    if known.truth is None or not len(known.truth):
        raise PoolError("an attribute attack learns from samples whose attribute is known")
    return known.truth
