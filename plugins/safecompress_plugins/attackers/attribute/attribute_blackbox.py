"""An attack that reads a private attribute from what the model answers."""

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Evidence
from safecompress_plugins.attackers.attribute.attribute_classifier import AttributeClassifier
from safecompress_plugins.attackers.attribute.manifest import AttributeBlackboxParams

__all__ = ["AttributeBlackbox", "with_public"]


class AttributeBlackbox(AttributeClassifier):
    """A classifier from the model's answer, public features and task label to the attribute.

    That is what the game's imputation knows, and the answer: so that what lift there is, is the
    answer's. What is not public of a sample is no feature.

    Source: Jayaraman & Evans 2022, "Are Attribute Inference Attacks Just Imputation?", CCS;
    Mehnaz et al. 2022, "Are Your Sensitive Attributes Private?", USENIX Security.
    """

    def __init__(self, params: AttributeBlackboxParams) -> None:
        super().__init__(params)
        self._output = params.output

    def features(self, evidence: Evidence) -> Tensor:
        """Answer, one-hot label and public features side by side, shape (N, 2C + P)."""
        seen = evidence.seen
        answer = seen.logits if self._output == "logits" else seen.posteriors
        return with_public(evidence, answer, F.one_hot(seen.labels, seen.classes))


def with_public(evidence: Evidence, *seen: Tensor) -> Tensor:
    """What is seen (N, …) and the public features, if there are any, side by side."""
    public = [] if evidence.public is None else [evidence.public]
    return torch.cat([*seen, *public], dim=1)
