"""Gap attack, the baseline of membership attacks: correctly classified samples are members."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, correctness
from safecompress_plugins.attackers.membership.manifest import GapParams

__all__ = ["Gap"]


class Gap(Attacker):
    """Predicts "member" where the model is correct; nothing is learned.

    Its balanced accuracy is ½ (1 + training accuracy − test accuracy), so its advantage is the
    generalisation gap: the lower bound for attacks that observe more than labels.

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", CSF, Adversary 1 (bounded loss).
    """

    threshold = 0.5  # between the scores 0 and 1

    def __init__(self, params: GapParams) -> None:
        del params  # no parameters

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Do nothing: the attack is not trained."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return 1 where the model is correct and 0 where it is wrong, shape (N,)."""
        return correctness(knowledge.seen.predictions, knowledge.seen.labels)
