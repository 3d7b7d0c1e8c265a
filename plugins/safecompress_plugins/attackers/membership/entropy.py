"""Membership by how sure the model is of its answer, right or wrong."""

import torch
from torch import Tensor

from safecompress_core.toolkit import Attacker, Evidence
from safecompress_plugins.attackers.membership.manifest import EntropyParams

__all__ = ["Entropy"]


class Entropy(Attacker):
    """Scores a sample by minus the entropy of its posteriors; nothing is learned.

    It needs no label. So a sample that the model is sure of and wrong about looks like a member,
    which ``modified-entropy`` mends.

    Source: Salem et al. 2019, "ML-Leaks", NDSS, section V (adversary 3); Song & Mittal 2021,
    USENIX Security, section 3.2 (entropy), with one threshold over all classes.
    """

    def __init__(self, params: EntropyParams) -> None:
        del params  # there is nothing to set

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Nothing to learn: the game chooses the threshold on attack-train."""

    def score(self, evidence: Evidence) -> Tensor:
        """−H(p) = Σ_c p_c log p_c, shape (N,), in [−log C, 0], in nats."""
        posteriors = evidence.seen.posteriors.double()
        return torch.xlogy(posteriors, posteriors).sum(dim=1)
