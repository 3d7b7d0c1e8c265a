"""Membership by the posterior of the true label."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, confidence
from safecompress_plugins.attackers.membership.manifest import ConfidenceParams

__all__ = ["Confidence"]


class Confidence(Attacker):
    """Scores a sample by the posterior of its label; nothing is learned.

    The order is that of the loss, except where single precision rounds: samples with p_y = 1 tie.
    This is what ``loss-threshold`` achieves for an adversary with probabilities instead of logits.

    Source: Song & Mittal 2021, "Systematic Evaluation of Privacy Risks of Machine Learning Models",
    USENIX Security, section 3.2 (confidence), with one threshold over all classes.
    """

    def __init__(self, params: ConfidenceParams) -> None:
        del params  # no parameters

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Do nothing: the game chooses the threshold on attack-train."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return p_y, shape (N,), in [0, 1]."""
        return confidence(knowledge.seen.posteriors, knowledge.seen.labels)
