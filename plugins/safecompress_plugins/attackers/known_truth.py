"""Checks that an attacker's training set has a truth, with every class that it needs."""

from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, PoolError

__all__ = ["require_attribute", "require_membership"]


def require_membership(known: AdversaryKnowledge) -> Tensor:
    """Return membership, shape (N,), bool, with at least one sample of either class.

    Raises:
        PoolError: if members or non-members are missing.
    """
    # all() of an empty pool is True, so that is rejected as well.
    if known.truth is None or known.truth.all() or not known.truth.any():
        raise PoolError("a membership attack needs members and non-members in attack-train")
    return known.truth


def require_attribute(known: AdversaryKnowledge) -> Tensor:
    """Return each sample's attribute value, shape (N,), int64, of at least one sample.

    Raises:
        PoolError: if attack-train is empty.
    """
    if known.truth is None or not len(known.truth):
        raise PoolError("an attribute attack needs samples with a known attribute in attack-train")
    return known.truth
