"""Membership attack by the confidence gap, calibrated on non-members of the same class."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, Observations, PoolError
from safecompress_example_attacker.manifest import ConfidenceGapParams

__all__ = ["ConfidenceGap", "confidence_gap"]

# N samples · C classes

SMALLEST_SPREAD = 1e-6
"""In nats; the lower bound of a class's deviation, so that identical samples divide by no zero."""


def confidence_gap(seen: Observations) -> Tensor:
    """Log ratio of the two largest posteriors, shape (N,), in nats; negative for wrong predictions.

    A ratio separates samples whose largest posterior rounds to 1, which a difference does not.
    """
    # The softmax denominator cancels in the ratio, so logits give it without rounding.
    largest = seen.logits.double().topk(2, dim=1).values  # (N, 2)
    is_right = seen.predictions == seen.labels
    return torch.where(is_right, 1.0, -1.0) * (largest[:, 0] - largest[:, 1])


class ConfidenceGap(Attacker):
    """Scores a sample by its gap, standardised by the gaps of non-members of its class.

    With g the gap, and μ_y and σ_y the mean and standard deviation over the n_y known non-members
    of class y, each shrunk towards the μ and σ of all non-members with the weight of k = ``prior``
    samples::

        μ_y  = (Σ_y g + k·μ) / (n_y + k)
        σ_y² = (Σ_y (g − μ_y)² + k·σ²) / (n_y + k)
        score = (g − μ_y) / σ_y

    Fitting takes non-members alone, which an adversary has without any knowledge of members.

    Source: Salem et al. 2019, "ML-Leaks", NDSS, section V (largest posteriors as signal); Carlini
    et al. 2022, "Membership Inference Attacks From First Principles", IEEE S&P (the offline attack
    measures against non-members alone; there each sample has its own distribution).
    """

    def __init__(self, params: ConfidenceGapParams) -> None:
        self._prior = params.prior
        self._mean: Tensor | None = None  # (C,)
        self._spread: Tensor | None = None  # (C,)

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Estimate each class's mean and deviation from non-members; nothing is random here.

        Raises:
            PoolError: if attack-train has no non-member.
        """
        if known.truth is None or known.truth.all():
            raise PoolError("confidence-gap needs non-members in attack-train; it has none")
        gaps = confidence_gap(known.seen)[~known.truth]
        labels, classes = known.seen.labels[~known.truth], known.seen.classes
        counts = labels.bincount(minlength=classes) + self._prior
        mean, variance = gaps.mean(), gaps.var(correction=0)
        totals = torch.zeros(classes, dtype=gaps.dtype).index_add_(0, labels, gaps)
        means = _ratio(totals + self._prior * mean, counts, otherwise=mean)
        squares = torch.zeros_like(totals).index_add_(0, labels, (gaps - means[labels]) ** 2)
        variances = _ratio(squares + self._prior * variance, counts, otherwise=variance)
        self._mean, self._spread = means, variances.sqrt().clamp(min=SMALLEST_SPREAD)

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the gap in deviations above the class's mean, shape (N,)."""
        if self._mean is None or self._spread is None:
            raise RuntimeError("fit confidence-gap before it scores")
        labels = knowledge.seen.labels
        return (confidence_gap(knowledge.seen) - self._mean[labels]) / self._spread[labels]


def _ratio(totals: Tensor, counts: Tensor, *, otherwise: Tensor) -> Tensor:
    """Divide totals by counts; ``otherwise`` where the count is 0."""
    # With `prior: 0` a class may have no sample; the clamp only keeps its unused quotient finite.
    return torch.where(counts > 0, totals / counts.clamp(min=1e-12), otherwise)
