"""A training step from logits alone."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Classifier, Step

NETWORK = Classifier(nn.Linear(2, 2))
"""For defences that ask no network anything."""


@pytest.fixture
def make_step() -> Callable[..., Step]:
    """Builds a step from logits and labels; the representation is zero unless given."""

    def make(
        logits: Tensor,
        labels: Tensor,
        *,
        epoch: int = 0,
        representation: Tensor | None = None,
        attributes: Mapping[str, Tensor] | None = None,
        weights: Mapping[str, Tensor] | None = None,
        network: Classifier = NETWORK,
        inputs: Tensor | None = None,
    ) -> Step:
        hidden = torch.zeros(len(labels), 2) if representation is None else representation
        return Step(
            batch=Batch(
                inputs=hidden if inputs is None else inputs,
                labels=labels,
                attributes=attributes or {},
            ),
            logits=logits,
            representation=hidden,
            losses=F.cross_entropy(logits, labels, reduction="none"),
            epoch=epoch,
            weights=weights or {},
            network=network,
        )

    return make
