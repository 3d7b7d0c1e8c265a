"""Membership by the loss, with a threshold for each sample from reference models."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, negative_loss_of_logits
from safecompress_plugins.attackers.membership.reference_manifest import BayesOptimalParams
from safecompress_plugins.attackers.membership.reference_statistics import (
    log_mean_probability,
    references_of,
)

__all__ = ["BayesOptimal"]


class BayesOptimal(Attacker):
    """Scores by the negative loss minus the log-mean probability under reference models.

    With ℓ the cross-entropy, so that exp(−ℓ) is the label's probability::

        online    score = −ℓ(θ, x) − log mean_k exp(−ℓ(θ_k, x))          all reference models
        offline   score = −ℓ(θ, x) − a · log mean_k exp(−ℓ(θ_k, x))      those without x

    Source: Lassila et al. 2025, "Practical Bayes-Optimal Membership Inference Attacks", NeurIPS;
    the formula is that of ``AttackBASE`` in LeakPro (aidotse/LeakPro), which softens the softmax by
    a temperature in addition; here it is 1.
    """

    def __init__(self, params: BayesOptimalParams) -> None:
        self._params = params

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Do nothing: the threshold comes from the reference models."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the score, shape (N,), in nats.

        Raises:
            PoolError: if there are too few reference models.
        """
        # Logs of probabilities throughout: p_y of a fitted sample rounds to 1, and of a missed one
        # to 0.
        references = references_of(knowledge)
        target_scores = negative_loss_of_logits(knowledge.seen.logits, knowledge.seen.labels)
        log_p = references.log_confidences
        if self._params.mode == "online":
            return target_scores - log_mean_probability(log_p, torch.ones_like(references.is_in))
        return target_scores - self._params.scaling * log_mean_probability(log_p, ~references.is_in)
