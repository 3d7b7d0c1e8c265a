"""Attribute inference from the model's outputs."""

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import AdversaryKnowledge
from safecompress_plugins.attackers.attribute.attribute_classifier import AttributeClassifier
from safecompress_plugins.attackers.attribute.manifest import AttributeBlackboxParams

__all__ = ["AttributeBlackbox", "with_public"]


class AttributeBlackbox(AttributeClassifier):
    """A classifier from the model's output, public features and task label to the attribute.

    The imputation baseline of the game has the same public features and label, so any lift above it
    comes from the output. Features that are not public are not used.

    Source: Jayaraman & Evans 2022, "Are Attribute Inference Attacks Just Imputation?", CCS;
    Mehnaz et al. 2022, "Are Your Sensitive Attributes Private?", USENIX Security.
    """

    def __init__(self, params: AttributeBlackboxParams) -> None:
        super().__init__(params)
        self._output = params.output

    def features(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return output, one-hot label and public features, concatenated, shape (N, 2C + P)."""
        seen = knowledge.seen
        answer = seen.logits if self._output == "logits" else seen.posteriors
        return with_public(knowledge, answer, F.one_hot(seen.labels, seen.classes))


def with_public(knowledge: AdversaryKnowledge, *seen: Tensor) -> Tensor:
    """Concatenate what was observed (N, …) and the public features, where the data have any."""
    public = [] if knowledge.public is None else [knowledge.public]
    return torch.cat([*seen, *public], dim=1)
