"""Membership by the loss, calibrated by the sample's difficulty."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, negative_loss_of_logits
from safecompress_plugins.attackers.membership.reference_manifest import CalibratedParams
from safecompress_plugins.attackers.membership.reference_statistics import mean_where, references_of

__all__ = ["Calibrated"]


class Calibrated(Attacker):
    """Scores by the mean loss of models without the sample, minus the attacked model's loss.

    ::

        score = mean_{k: x not in D_k} ℓ(θ_k, x) − ℓ(θ, x)

    Source: Watson, Guo, Cormode & Sablayrolles 2022, "On the Importance of Difficulty Calibration
    in Membership Inference Attacks", ICLR: the calibrated score of section 3 for the loss.
    """

    def __init__(self, params: CalibratedParams) -> None:
        del params  # no parameters

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Do nothing: the difficulty comes from the reference models."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the score, shape (N,), in nats.

        Raises:
            PoolError: if there are too few reference models.
        """
        references = references_of(knowledge)
        target_scores = negative_loss_of_logits(knowledge.seen.logits, knowledge.seen.labels)
        return target_scores - mean_where(references.log_confidences, ~references.is_in)
