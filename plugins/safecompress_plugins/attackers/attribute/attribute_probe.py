"""Attribute inference from the model's representation."""

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import AdversaryKnowledge
from safecompress_plugins.attackers.attribute.attribute_classifier import AttributeClassifier

__all__ = ["AttributeProbe"]


class AttributeProbe(AttributeClassifier):
    """A classifier from the representation to the attribute.

    The representation, the input of the last layer, is what a split model transmits. Where the data
    have public features, these and the task label are features too, as in the imputation baseline.

    Source: Kosinski, Stillwell & Graepel 2013, PNAS (logistic regression from what is observed to
    private traits); Song & Shmatikov 2020, "Overlearning Reveals Sensitive Attributes", ICLR,
    section 3 (from a layer's representation).
    """

    def features(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the representation (N, H), or with public features and label (N, H + P + C)."""
        seen = knowledge.seen
        if knowledge.public is None:
            return seen.hidden
        return torch.cat(
            [seen.hidden, knowledge.public, F.one_hot(seen.labels, seen.classes)], dim=1
        )
