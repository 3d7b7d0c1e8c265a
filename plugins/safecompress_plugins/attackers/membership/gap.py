"""The least that a membership attack can do: members are what the model gets right."""

import torch
from torch import Tensor

from safecompress_core.toolkit import Attacker, Evidence, correctness
from safecompress_plugins.attackers.membership.manifest import GapParams

__all__ = ["Gap"]


class Gap(Attacker):
    """Says "member" where the prediction is right; nothing is learned.

    Its balanced accuracy is ½ (1 + training accuracy − test accuracy), so its advantage is the
    generalisation gap. Whatever sees more than labels and does worse wastes what it sees.

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", CSF, Adversary 1 (bounded loss).
    """

    threshold = 0.5

    def __init__(self, params: GapParams) -> None:
        del params  # there is nothing to set

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Nothing to learn."""

    def score(self, evidence: Evidence) -> Tensor:
        """1 where the model is right and 0 where it is wrong, shape (N,)."""
        return correctness(evidence.seen.predictions, evidence.seen.labels)
