"""Defences: their part in each step of training."""

from abc import ABC
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.api import UNDECLARED, Definition
from safecompress_core.host.boundary import check_result
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.output_guard import OutputGuard
from safecompress_core.problems import Problem
from safecompress_core.training.data_parallel import ALONE, DataParallel
from safecompress_core.training.precision import Precision

__all__ = ["Batch", "Defence", "DefenceContext", "DefenceInputs", "Schedule", "Step"]

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
        rows: shape (B,), int64: which of the members the samples are, counted from 0; None where
            they are none.
    """

    inputs: Tensor
    labels: Tensor
    attributes: Mapping[str, Tensor]
    targets: Tensor | None = None
    rows: Tensor | None = None

    def cross_entropy(self, logits: Tensor) -> Tensor:
        """Of each sample, shape (B,): with the labels, or with what takes their place."""
        # Soft targets, as of distillation, replace the labels if a defence sets them.
        targets = self.labels if self.targets is None else self.targets
        return F.cross_entropy(logits, targets, reduction="none")

    def repeated(self, times: int) -> "Batch":
        """Return the batch with so many rows of each sample, next to each other."""
        if times == 1:
            return self

        def repeat(values: Tensor) -> Tensor:
            return values.repeat_interleave(times, dim=0)

        return replace(
            self,
            inputs=repeat(self.inputs),
            labels=repeat(self.labels),
            attributes={name: repeat(values) for name, values in self.attributes.items()},
            targets=None if self.targets is None else repeat(self.targets),
            rows=None if self.rows is None else repeat(self.rows),
        )

    def part(self, start: int, end: int) -> "Batch":
        """Return the samples of some consecutive positions."""
        if (start, end) == (0, len(self.labels)):
            return self
        return replace(
            self,
            inputs=self.inputs[start:end],
            labels=self.labels[start:end],
            attributes={name: values[start:end] for name, values in self.attributes.items()},
            targets=None if self.targets is None else self.targets[start:end],
            rows=None if self.rows is None else self.rows[start:end],
        )


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
        group: the processes that train together. With several, all of the above is of this one's
            slice of the batch, and so is the loss, whose gradients are averaged over all.
        share: weight of this process's loss among those of all, in (0, 1].
        copies: number of processes that have the same samples as this one: all of them where a
            batch is too small to be divided.
    """

    batch: Batch
    logits: Tensor
    representation: Tensor
    losses: Tensor
    epoch: int
    weights: Mapping[str, Tensor]
    network: Classifier
    group: DataParallel = ALONE
    share: float = 1.0
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Length of a whole training.

    Attributes:
        members: samples that it learns from.
        steps: of the optimizer in an epoch, each on another batch of them.
        epochs: passes over the members.
    """

    members: int
    steps: int
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DefenceInputs:
    """Inputs of a defence other than the members, as its definition requests them.

    Attributes:
        schedule: how much the model is trained.
        is_chosen: whether tests that look at members choose among the models that are trained.
        bounds: the lowest and the highest value that an input can have, which broadcast to one
            sample; None where the data have no such bounds.
        reference: samples of the defender's own, ``pools.reference``: no members, and unknown to
            every attack. None where the definition does not say ``reference_data``.
        teacher: the trained uncompressed model, in eval mode and shared: it is asked, never
            changed. None where the definition does not say ``teacher``.
        held_out: shape (members, C), float32: of each member, by its row, the mean posterior of
            uncompressed models that were not trained on it. None where the definition does not say
            ``held_out``.
    """

    schedule: Schedule = Schedule(members=1, steps=1, epochs=1)
    is_chosen: bool = False
    bounds: tuple[Tensor, Tensor] | None = None
    reference: Batch | None = None
    teacher: Classifier | None = None
    held_out: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DefenceContext:
    """Context of a defence that is known before training.

    Attributes:
        network: what will be trained.
        schedule: how much.
        precision: what its forward passes are computed in.
        others: the other defences of the method by id, not prepared yet.
        earlier: the ids of those that are applied before it.
        are_numbers: whether inputs are numbers, and neither words nor codes.
        draws_views: whether training draws a random view of each row before all defences.
    """

    network: Classifier
    schedule: Schedule
    precision: Precision
    others: Mapping[str, "Defence"]
    earlier: tuple[str, ...] = ()
    are_numbers: bool = True
    draws_views: bool = False


def _check_batch(_: Definition, batch: object, *__: object, **___: object) -> None:
    """A batch with a label for each input."""
    # Checked after each call: a wrong batch would otherwise fail far away, in the loss.
    if not isinstance(batch, Batch):
        raise ValueError(f"returned {type(batch).__name__}; it must return a Batch")
    if len(batch.inputs) != len(batch.labels):
        message = f"returned {len(batch.inputs)} inputs with {len(batch.labels)} labels"
        raise ValueError(f"{message}; it must return a label for each input")


def _check_loss(_: Definition, loss: object, *__: object) -> None:
    """A scalar; one that is no number ends training, with a clearer message."""
    if not isinstance(loss, Tensor):
        raise ValueError(f"returned {type(loss).__name__}; it must return a scalar tensor")
    if loss.ndim:
        raise ValueError(f"returned shape {tuple(loss.shape)}; it must return a scalar tensor")


def _check_guard(_: Definition, guard: object, **__: object) -> None:
    # None is valid: most defences ship no guard.
    if not (guard is None or isinstance(guard, OutputGuard)):
        raise ValueError(f"returned {type(guard).__name__}; it must return an OutputGuard, or None")


class Defence(nn.Module, ABC):
    """Changes what a model sees in training, or what it is trained for.

    It is a module: parameters of its own (an adversary, say) stay dense and travel with the model
    from round to round, but are no part of what ships. Built from its parameters; defences are
    applied in the order of the spec. In a step the trainer repeats each sample as often as
    ``views`` says, and calls, for each of them in turn,

    1. ``transform`` on the batch, before the model sees it,
    2. ``challenge`` on what came of it, now with the model as it is,
    3. ``inside`` around the forward pass,
    4. ``oppose`` after it,
    5. ``loss``, then differentiates what came of it,
    6. ``adjust`` on the gradients, before the optimizer follows them;

    and after each epoch ``review``. A defence of the answers makes a guard, which learns whenever
    a model has been trained, and ships with it.

    In data-parallel training ``transform`` gets the whole batch, in every process, with a generator
    in the same state; ``challenge``, ``inside``, ``oppose`` and ``loss`` get one process's slice,
    and ``adjust`` gradients that are averaged over all.

    Attributes:
        is_per_sample: whether its loss is a mean over the batch of what each sample gives by
            itself, and it learns nothing from members; then it may stand next to a defence that
            bounds what each of them does.
        guarantees: whether it bounds all that a model learns from members. Then nothing may reach
            the model past it: no weights that were trained without it, no gradients to grow by.
        needs_whole_batch: why a step may not be divided among processes, as a part of a sentence
            about the defence; empty where it may: its loss is a mean of what each sample gives, or
            it reduces over ``step.group`` itself.
        hides_members: whether ``transform`` puts other samples instead of members, or other
            targets instead of their labels; gradients to grow by are then those of the others
            too.
        draws_views: whether ``transform`` draws a random view of each row of the inputs by itself.
        views: rows of each sample in a step, next to each other, each of which all defences see as
            a sample of its own.
        guard: what ``make_guard`` has made.
        own_optimizer: what ``oppose`` trains parameters of the defence with; created in
            ``prepare``, kept in checkpoints. All others are trained with the model, by its
            optimizer.
    """

    is_per_sample: bool = False
    guarantees: bool = False
    needs_whole_batch: str = UNDECLARED
    hides_members: bool = False
    draws_views: bool = False
    views: int = 1
    own_optimizer: torch.optim.Optimizer | None = None

    def __init__(self) -> None:
        super().__init__()
        # Registered as a submodule, so that the guard's state is stored with the defence.
        self.guard: OutputGuard | None = None

    def check(self, context: DefenceContext) -> Iterable[Problem]:
        """Return the problems of its parameters, before training."""
        return ()

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

    @check_result(_check_guard)
    def make_guard(self, *, classes: int, generator: torch.Generator) -> OutputGuard | None:
        """Return the output guard of the model that ships, or None.

        Asked once for a model in training, and again for one that is loaded: the parameters of
        the defence and these arguments suffice to make one of the same shapes.

        Args:
            classes: C.
            generator: what initial weights are drawn from.
        """
        return None

    def equip(self, inputs: DefenceInputs) -> None:
        """Take what the definition asks for, after ``prepare``; copies are equipped anew."""

    @check_result(_check_batch)
    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """The batch as the model shall see it in this step."""
        return batch

    @check_result(_check_batch)
    def challenge(self, batch: Batch, network: Classifier, *, generator: torch.Generator) -> Batch:
        """The batch made hard for the model as it is; the model and its mode are left alone."""
        return batch

    def inside(self, network: Classifier) -> AbstractContextManager[Any]:
        """Return the context of a step's forward pass: hooks of layers, for instance.

        Afterwards the network is what it was; what ships has none of it.
        """
        return nullcontext()

    def oppose(self, step: Step, *, generator: torch.Generator) -> None:
        """Train an opponent on the model as it is; the model's own gradients are left alone."""

    @check_result(_check_loss)
    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """The scalar to minimise, given the one that the defences before this one ask for."""
        return loss

    def adjust(self, step: Step, *, generator: torch.Generator) -> None:
        """Change the gradients (``grad``) of the parameters of ``step.network``, in place.

        They are those of the whole loss, in float32, neither scaled nor clipped yet; the graph of
        the step is gone.
        """

    def review(self, network: Classifier, *, epoch: int) -> None:
        """Look at the model after an epoch, counted from 0; its mode is left alone.

        What is settled by it may put an earlier state back, with the masks that belong to it.
        """

    @property
    def is_settled(self) -> bool:
        """Return whether training is frozen.

        It is then trained no more, and its topology stays.
        """
        return False

    def facts(self) -> Mapping[str, Any]:
        """Return facts about the trained model for ``results.json``, JSON-ready.

        ``text`` among them is what report and terminal say, a sentence without its full stop.
        Empty if the spec states everything already.
        """
        return {}
