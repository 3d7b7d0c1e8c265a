"""Membership by the norm of a sample's last-layer gradient."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker
from safecompress_plugins.attackers.membership.manifest import GradientNormParams

__all__ = ["GradientNorm"]


class GradientNorm(Attacker):
    """Scores a sample by minus the norm of its last-layer gradient; nothing is learned.

    The gradient (p − onehot(y)) ⊗ h is an outer product, so its entrywise norm of any order is the
    product of two vectors' norms, ‖p − onehot(y)‖ · ‖h‖, and the (N, C, H) tensor is never formed.
    Training ends where the gradients of its samples are small.

    Source: Nasr, Shokri & Houmansadr 2019, "Comprehensive Privacy Analysis of Deep Learning", S&P
    (gradients of members and non-members differ); Rezaei & Liu 2021, "On the Difficulty of
    Membership Inference Attacks", CVPR (norms of gradients as the signal).
    """

    def __init__(self, params: GradientNormParams) -> None:
        self._order = params.order

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Do nothing: the game chooses the threshold on attack-train."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return −‖gradient‖, shape (N,), at most 0."""
        seen = knowledge.seen
        error = seen.logits.double().softmax(dim=1)  # (N, C)
        label = seen.labels[:, None]
        # p_y − 1 as minus the sum of the others: exact also where p_y rounds to 1
        error = error.scatter(1, label, 0.0)
        error = error.scatter(1, label, -error.sum(dim=1, keepdim=True))
        of_error: Tensor = torch.linalg.vector_norm(error, ord=self._order, dim=1)
        of_hidden: Tensor = torch.linalg.vector_norm(seen.hidden.double(), ord=self._order, dim=1)
        return -(of_error * of_hidden)
