"""Membership by the entropy of the posteriors, right or wrong."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker
from safecompress_plugins.attackers.membership.manifest import EntropyAttackParams

__all__ = ["EntropyAttack"]


class EntropyAttack(Attacker):
    """Scores a sample by minus the entropy of its posteriors; nothing is learned.

    It needs no label, so a confident misclassification looks like a member; ``modified-entropy``
    corrects that.

    Source: Salem et al. 2019, "ML-Leaks", NDSS, section V (adversary 3); Song & Mittal 2021,
    USENIX Security, section 3.2 (entropy), with one threshold over all classes.
    """

    def __init__(self, params: EntropyAttackParams) -> None:
        del params  # no parameters

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Do nothing: the game chooses the threshold on attack-train."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return −H(p) = Σ_c p_c log p_c, shape (N,), in [−log C, 0], in nats."""
        posteriors = knowledge.seen.posteriors.double()
        # xlogy takes 0 · log 0 as 0, where a plain product is NaN.
        return torch.xlogy(posteriors, posteriors).sum(dim=1)
