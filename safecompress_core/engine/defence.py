"""How a defence changes training."""

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Batch", "Defence", "Step"]

# B samples of a batch · C classes · H hidden units


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some of the members, as the trainer draws them.

    Attributes:
        inputs: shape (B, ...).
        labels: shape (B,), int64.
        attributes: each of shape (B,), int64; only a training-time defence may read them.
    """

    inputs: Tensor
    labels: Tensor
    attributes: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One training step after the forward pass, on plain or augmented inputs.

    Attributes:
        batch: the samples, as the model has just seen them.
        logits: shape (B, C).
        representation: shape (B, H), the input of the last linear layer.
        losses: shape (B,), cross-entropy of each sample.
        epoch: whole epochs that the model has been trained before this one.
        weights: the sparsifiable weights by name, for penalties on them.
    """

    batch: Batch
    logits: Tensor
    representation: Tensor
    losses: Tensor
    epoch: int
    weights: Mapping[str, Tensor]


class Defence(nn.Module, ABC):
    """Changes what a model sees in training, or what it is trained for.

    It is a module: parameters of its own (an adversary, say) are trained by the same optimizer,
    stay dense, and travel with the model from round to round, but are no part of what ships.
    Built from its parameters; defences are applied in the order of the spec.
    """

    def prepare(
        self,
        *,
        representation: int,
        classes: int,
        attributes: Mapping[str, int],
        generator: torch.Generator,
    ) -> None:
        """Create what depends on the task, before training starts.

        Args:
            representation: H, the width of the model's representation.
            classes: C.
            attributes: the number of values of each private attribute.
            generator: what initial weights are drawn from.
        """

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """The batch as the model shall see it in this step."""
        return batch

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """The scalar to minimise, given the one that the defences before this one ask for."""
        return loss
