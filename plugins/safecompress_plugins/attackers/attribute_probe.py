"""A probe that reads a private attribute from the model's representation."""

from torch import Tensor

from safecompress_core.toolkit import Observations
from safecompress_plugins.attackers.attribute_classifier import AttributeClassifier

__all__ = ["AttributeProbe"]


class AttributeProbe(AttributeClassifier):
    """A classifier from the representation to the attribute.

    The representation, the input of the last layer, is what a split model sends over the wire.

    Source: Kosinski, Stillwell & Graepel 2013, PNAS (logistic regression from what is observed to
    private traits); Song & Shmatikov 2020, "Overlearning Reveals Sensitive Attributes", ICLR,
    section 3 (from a layer's representation).
    """

    def features(self, seen: Observations) -> Tensor:
        """The representation, shape (N, H)."""
        return seen.hidden
