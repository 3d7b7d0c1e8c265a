"""Membership by the loss's rank among non-members of the same class."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, PoolError
from safecompress_plugins.attackers.membership.manifest import PopulationParams

__all__ = ["Population"]


class Population(Attacker):
    """Scores a sample by the share of its class's known non-members with a larger loss.

    With ℓ_1 … ℓ_n the losses of the known non-members of class y::

        score(x, y) = (#{i : ℓ_i > ℓ(x)} + exp(−ℓ(x))) / (n + 1)

    So a threshold of 1 − α has a false-positive rate of about α in every class: it is set, not
    estimated. The second term is less than the step between ranks; it orders samples of equal rank,
    such as all below every ℓ_i. A class with too few known non-members is compared with those of
    all classes.

    Source: Ye et al. 2022, "Enhanced Membership Inference Attacks against Machine Learning Models",
    CCS, attack P, here with a population for each class.
    """

    def __init__(self, params: PopulationParams) -> None:
        self._samples = params.samples
        self._losses: list[Tensor] | None = None  # C tensors, each sorted

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Store the losses of non-members.

        Raises:
            PoolError: if attack-train has no non-member.
        """
        if known.truth is None or known.truth.all():
            raise PoolError("population needs non-members in attack-train; it has none")
        losses = known.seen.losses[~known.truth].double()
        labels = known.seen.labels[~known.truth]
        populations = [losses[labels == label] for label in range(known.seen.classes)]
        self._losses = [
            (class_losses if len(class_losses) >= self._samples else losses).sort().values
            for class_losses in populations
        ]

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the share of the class with a larger loss, shape (N,), in [0, 1]."""
        if self._losses is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        # float64: the tie-breaking exp(−ℓ) would round away next to ranks of a large class.
        losses = knowledge.seen.losses.double()
        scores = torch.empty_like(losses)
        for label, population in enumerate(self._losses):
            rows = knowledge.seen.labels == label
            # right=True: an equal loss is not larger.
            larger = len(population) - torch.searchsorted(population, losses[rows], right=True)
            scores[rows] = (larger + (-losses[rows]).exp()) / (len(population) + 1)
        return scores
