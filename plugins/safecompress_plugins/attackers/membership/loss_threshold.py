"""Membership by the loss, the simplest attack: it is smaller for training samples."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker
from safecompress_plugins.attackers.membership.manifest import LossThresholdParams

__all__ = ["LossThreshold"]


class LossThreshold(Attacker):
    """Scores a sample by its negative cross-entropy; nothing is learned.

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", CSF, Adversary 2. Their threshold
    is the mean training loss; here the game chooses it on attack-train, as for every score.
    """

    def __init__(self, params: LossThresholdParams) -> None:
        del params  # no parameters

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Do nothing: the game chooses the threshold on attack-train."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return −loss, shape (N,), in nats."""
        return -knowledge.seen.losses
