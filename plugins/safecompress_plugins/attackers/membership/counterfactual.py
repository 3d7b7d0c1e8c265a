"""Membership by counterfactual memorisation: a model compared with its swap twin."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, PoolError
from safecompress_plugins.attackers.membership.manifest import CounterfactualParams

__all__ = ["Counterfactual"]


class Counterfactual(Attacker):
    """Scores a sample by how much more probable its label is to the model than to its twin.

    score(x) = log p(y|x) of the model − log p(y|x) of its swap twin, which was trained in the same
    way with the samples in question exchanged: its members were non-members of the twin, and the
    other way round. Without memorisation the two models are exchangeable, so that scores of both
    sides have one distribution around 0, which is the threshold; nothing is learned.

    It is the data owner's own test: no adversary can train a twin, so it selects and never judges.

    Source: Feldman 2020, "Does Learning Require Memorization? A Short Tale about a Long Tail",
    STOC; Zhang et al. 2023, "Counterfactual Memorization in Neural Language Models", NeurIPS,
    definition 1, with one model on either side.
    """

    threshold = 0.0

    def __init__(self, params: CounterfactualParams) -> None:
        del params  # no parameters

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Do nothing: the threshold follows from the symmetry of model and twin."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the difference of log-likelihoods, shape (N,), in nats.

        Raises:
            PoolError: if the model has no twin.
        """
        if knowledge.twin is None:
            raise PoolError("counterfactual needs the model's swap twin; this model has none")
        return knowledge.twin.losses - knowledge.seen.losses
