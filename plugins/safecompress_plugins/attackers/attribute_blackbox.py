"""An attack that reads a private attribute from what the model answers."""

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Observations
from safecompress_plugins.attackers.attribute_classifier import AttributeClassifier
from safecompress_plugins.attackers.attribute_manifest import AttributeBlackboxParams

__all__ = ["AttributeBlackbox"]


class AttributeBlackbox(AttributeClassifier):
    """A classifier from the model's answer and the task label to the attribute.

    The samples themselves are no features: the game's imputation knows the label alone, and what a
    sample tells about its own attribute must not be counted as something that the model tells.

    Source: Jayaraman & Evans 2022, "Are Attribute Inference Attacks Just Imputation?", CCS;
    Mehnaz et al. 2022, "Are Your Sensitive Attributes Private?", USENIX Security.
    """

    def __init__(self, params: AttributeBlackboxParams) -> None:
        super().__init__(params)
        self._output = params.output

    def features(self, seen: Observations) -> Tensor:
        """Answer and one-hot label side by side, shape (N, 2C)."""
        answer = seen.logits if self._output == "logits" else seen.posteriors
        return torch.cat([answer, F.one_hot(seen.labels, seen.classes)], dim=1)
