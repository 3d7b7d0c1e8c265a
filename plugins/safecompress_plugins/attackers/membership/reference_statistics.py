"""Statistics of reference models' answers."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, PoolError, ReferenceAnswers

__all__ = ["log_mean_probability", "mean_where", "references_of"]

# R reference models · N samples


def references_of(knowledge: AdversaryKnowledge) -> ReferenceAnswers:
    """Return the reference models, with at least one trained on each sample and one not.

    Raises:
        PoolError: if there are no reference models, or too few.
    """
    references = knowledge.references
    if references is None:
        raise PoolError("this attack needs reference models, and has none; set 'references.count'")
    times = references.is_in.sum(dim=0)
    if (times == 0).any() or (times == len(references)).any():
        raise PoolError(
            f"{len(references)} reference models are too few: some sample is in all or in none "
            "of their training sets"
        )
    return references


def mean_where(values: Tensor, is_used: Tensor) -> Tensor:
    """Average over each sample's selected models, (N,); both arguments are (R, N)."""
    return values.where(is_used, 0.0).sum(dim=0) / is_used.sum(dim=0)


def log_mean_probability(log_confidences: Tensor, is_used: Tensor) -> Tensor:
    """Return the log-mean of p_y over each sample's selected models, (N,).

    Args:
        log_confidences: log p_y, shape (R, N).
        is_used: shape (R, N), bool.
    """
    # −∞ is an excluded model: exp(−∞) adds nothing to the sum.
    summed = log_confidences.where(is_used, -torch.inf).logsumexp(dim=0)
    return summed - is_used.sum(dim=0).log()
