"""Likelihood-ratio attack (LiRA): confidence under reference models with and without the sample."""

import math

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, logit_of_confidence
from safecompress_plugins.attackers.membership.reference_manifest import LiraParams
from safecompress_plugins.attackers.membership.reference_statistics import mean_where, references_of

__all__ = ["Lira"]

# R reference models · N samples

ENOUGH = 64
"""Number of reference models from which a variance per sample is no worse than a global one."""
FLOOR = 1e-6
"""Lower bound of a standard deviation, in logits: identical models would divide by 0."""


class Lira(Attacker):
    """Compares a sample's logit-scaled confidence with that under reference models.

    With φ = log(p_y / (1 − p_y)), and for each sample a normal distribution of φ under the
    reference models trained on it (in) and under the others (out)::

        online            Λ = log N(φ; μ_in, σ_in²) − log N(φ; μ_out, σ_out²)
        offline, paper    Λ = Pr[Z < φ], Z ~ N(μ_out, σ_out²); the score is (φ − μ_out) / σ_out,
                          of which Λ is the normal distribution function: Λ itself
                                    rounds to 1, and those samples would tie
        offline, density  Λ = −log N(φ; μ_out, σ_out²)

    Means are per sample. A global variance is pooled: the squared distances to each sample's mean,
    summed over the samples of attack-train, by their degrees of freedom.

    Source: Carlini et al. 2022, "Membership Inference Attacks From First Principles", S&P: φ and
    the parametric ratio in section IV and Algorithm 1, there also the offline test and the global
    variance for few models.
    """

    def __init__(self, params: LiraParams) -> None:
        self._params = params
        self._global: tuple[float, float] | None = None  # σ_in, σ_out

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Estimate the global deviations on attack-train; its membership is not used.

        Raises:
            PoolError: if there are too few reference models.
        """
        references = references_of(known)
        scores = references.confidence_logits
        self._global = (
            _pooled_deviation(scores, references.is_in),
            _pooled_deviation(scores, ~references.is_in),
        )

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return Λ, or a score with the same order, shape (N,)."""
        if self._global is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        references = references_of(knowledge)
        scores = references.confidence_logits
        target_logits = logit_of_confidence(knowledge.seen.logits, knowledge.seen.labels)
        out = self._standardise(target_logits, scores, ~references.is_in, self._global[1])
        if self._params.mode == "online":
            inside = self._standardise(target_logits, scores, references.is_in, self._global[0])
            return _log_density(*inside) - _log_density(*out)
        return out[0] if self._params.variant == "paper" else -_log_density(*out)

    def _standardise(
        self, target_logits: Tensor, scores: Tensor, is_used: Tensor, pooled: float
    ) -> tuple[Tensor, Tensor]:
        """Return the distance to the mean in deviations, and the deviation, both (N,)."""
        mean = mean_where(scores, is_used)
        deviation = torch.full_like(mean, pooled)
        choice = self._params.variance
        if choice == "sample" or (choice == "auto" and len(scores) >= ENOUGH):
            squares = mean_where((scores - mean).square(), is_used)
            counts = is_used.sum(dim=0)
            deviation = (squares * counts / (counts - 1).clamp(min=1)).sqrt()  # unbiased: n − 1
        deviation = deviation.clamp(min=FLOOR)
        return (target_logits - mean) / deviation, deviation


def _pooled_deviation(scores: Tensor, is_used: Tensor) -> float:
    """Pool the deviation around each sample's own mean over all samples."""
    squares = (scores - mean_where(scores, is_used)).square().where(is_used, 0.0)
    # Each sample's mean costs one degree of freedom.
    freedom = (is_used.sum(dim=0) - 1).sum().clamp(min=1)
    return math.sqrt(float(squares.sum() / freedom))


def _log_density(distance: Tensor, deviation: Tensor) -> Tensor:
    """Return the normal log-density at a distance in deviations."""
    return -distance.square() / 2 - deviation.log() - math.log(2 * math.pi) / 2
