"""What attackers make of the answers of reference models."""

import torch
from torch import Tensor

from safecompress_core.toolkit import Evidence, PoolError, References

__all__ = ["log_mean_probability", "mean_where", "references_of"]

# R reference models · N samples


def references_of(evidence: Evidence) -> References:
    """The reference models, each sample with at least one that knew it and one that did not.

    Raises:
        PoolError: if there are none, or too few.
    """
    references = evidence.references
    if references is None:
        raise PoolError("this attack compares with reference models, but was given none")
    times = references.is_in.sum(dim=0)
    if (times == 0).any() or (times == len(references)).any():
        raise PoolError(
            f"{len(references)} reference models are too few: some sample is in all or in none"
        )
    return references


def mean_where(values: Tensor, is_used: Tensor) -> Tensor:
    """Mean over the models that are used for each sample, (N,); both arguments are (R, N)."""
    return values.where(is_used, 0.0).sum(dim=0) / is_used.sum(dim=0)


def log_mean_probability(log_confidences: Tensor, is_used: Tensor) -> Tensor:
    """Log of the mean of p_y over the models that are used for each sample, (N,).

    Args:
        log_confidences: log p_y, shape (R, N).
        is_used: shape (R, N), bool.
    """
    summed = log_confidences.where(is_used, -torch.inf).logsumexp(dim=0)
    return summed - is_used.sum(dim=0).log()
