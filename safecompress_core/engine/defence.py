"""How a defence changes training."""

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from safecompress_core.network import Classifier

__all__ = ["Batch", "Defence", "Step", "Supplies"]

# B samples of a batch · C classes · H hidden units


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some samples, as the trainer draws them.

    Attributes:
        inputs: shape (B, ...).
        labels: shape (B,), int64.
        attributes: each of shape (B,), int64; only a training-time defence may read them.
        targets: shape (B, C), float: how likely each label shall be to the model, where it shall
            learn that instead of ``labels``; None where it shall not.
    """

    inputs: Tensor
    labels: Tensor
    attributes: Mapping[str, Tensor]
    targets: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One training step after the forward pass, on plain or augmented inputs.

    Attributes:
        batch: the samples, as the model has just seen them.
        logits: shape (B, C), float32.
        representation: shape (B, H), float32, the input of the last linear layer.
        losses: shape (B,), cross-entropy of each sample.
        epoch: whole epochs that the model has been trained before this one.
        weights: the sparsifiable weights by name, for penalties on them.
        network: what is trained, to ask it about other samples.
    """

    batch: Batch
    logits: Tensor
    representation: Tensor
    losses: Tensor
    epoch: int
    weights: Mapping[str, Tensor]
    network: Classifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """What a defence may learn from besides the members, as far as its definition asks for it.

    Attributes:
        reference: samples of the defender's own, ``pools.reference``: no members, and unknown to
            every attack. None where the definition does not say ``reference_data``.
        teacher: the trained uncompressed model, in eval mode and shared: it is asked, never
            changed. None where the definition does not say ``teacher``.
    """

    reference: Batch | None = None
    teacher: Classifier | None = None


class Defence(nn.Module, ABC):
    """Changes what a model sees in training, or what it is trained for.

    It is a module: parameters of its own (an adversary, say) stay dense and travel with the model
    from round to round, but are no part of what ships. Built from its parameters; defences are
    applied in the order of the spec. In a step the trainer calls, for each of them in turn,

    1. ``transform`` on the batch, before the model sees it,
    2. ``oppose`` after the forward pass,
    3. ``loss``, then differentiates what came of it,
    4. ``adjust`` on the gradients, before the optimizer follows them.

    Attributes:
        own_optimizer: what ``oppose`` trains parameters of the defence with; created in
            ``prepare``, kept in checkpoints. All others are trained with the model, by its
            optimizer.
    """

    own_optimizer: torch.optim.Optimizer | None = None

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

    def equip(self, supplies: Supplies) -> None:
        """Take what the definition asks for, after ``prepare``; copies are equipped anew."""

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """The batch as the model shall see it in this step."""
        return batch

    def oppose(self, step: Step, *, generator: torch.Generator) -> None:
        """Train an opponent on the model as it is; the model's own gradients are left alone."""

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """The scalar to minimise, given the one that the defences before this one ask for."""
        return loss

    def adjust(self, step: Step, *, generator: torch.Generator) -> None:
        """Change the gradients (``grad``) of the parameters of ``step.network``, in place.

        They are those of the whole loss, in float32, neither scaled nor clipped yet; the graph of
        the step is gone.
        """
