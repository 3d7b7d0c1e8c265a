"""Trains learners on the members.

- Batches depend on the seed and the epoch alone, so that candidates see the same samples in the
  same order, under the same augmentation: what differs between them is what was changed.
- The data stays on the device as tensors; a batch is an index operation.
- Only training sees transformed inputs. What observes a model gets the samples as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.dataset import Dataset
from safecompress_core.engine.defence import Batch, Step
from safecompress_core.engine.learner import Learner
from safecompress_core.errors import TrainingDivergedError
from safecompress_core.seeding import Seed, global_random_state
from safecompress_core.sparse.schedule import ScheduleName, UpdateSchedule
from safecompress_core.sparse.strategy import Grow, Prune
from safecompress_core.sparse.update import update_topology

__all__ = ["Evolution", "Trainer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evolution:
    """How a topology moves while a model trains.

    Attributes:
        rules: the prune and grow parts that a learner's ``settings.rule`` picks from.
        every: epochs between updates; 0 for none.
        schedule: ``cosine``, ``linear`` or ``constant``.
        until: the epoch after which the topology stays as it is.
    """

    rules: tuple[tuple[Prune, Grow], ...]
    every: int
    schedule: ScheduleName
    until: float

    def due(self, epoch: int) -> bool:
        """Whether an update belongs right before this epoch."""
        return self.every > 0 and epoch > 0 and epoch % self.every == 0 and epoch < self.until


class Trainer:
    """Trains on a fixed set of samples."""

    def __init__(
        self,
        dataset: Dataset,
        members: Tensor,
        *,
        batch_size: int,
        device: torch.device,
        seed: Seed,
    ) -> None:
        self._inputs = dataset.inputs[members].to(device)
        self._labels = dataset.labels[members].to(device)
        self._attributes = {
            name: attribute.values[members].to(device)
            for name, attribute in dataset.attributes.items()
        }
        self._batch_size = batch_size
        self._seed = seed

    def __len__(self) -> int:
        return len(self._labels)

    def train(
        self,
        learner: Learner,
        *,
        until: int,
        evolution: Evolution | None,
        what: str,
        is_derived: bool = False,
    ) -> None:
        """Train to the end of epoch ``until``, updating the topology on the way.

        Args:
            learner: changed in place.
            until: how many epochs the learner has been trained for afterwards.
            evolution: how its topology moves; None to leave it alone.
            what: what is being trained, for the error message.
            is_derived: whether its topology has just been decided, so that an update which is due
                right now is left out: it would prune what was grown and is still 0.

        Raises:
            TrainingDivergedError: as soon as a loss is not finite.
        """
        learner.network.train()
        start = learner.epoch
        for epoch in range(start, until):
            decided = is_derived and epoch == start
            if evolution and evolution.due(epoch) and not decided:
                self.evolve(learner, evolution, rule=learner.settings.rule)
            self._train_epoch(learner, epoch, what)
            learner.epoch = epoch + 1

    def evolve(self, learner: Learner, evolution: Evolution, *, rule: int) -> None:
        """Update the topology once by one of the rules, at the share the schedule gives now.

        After ``evolution.until`` the topology stays as it is, whatever the rule.
        """
        assert learner.topology is not None  # a dense model never evolves
        if learner.epoch >= evolution.until:
            return
        prune, grow = evolution.rules[rule]
        schedule = UpdateSchedule(
            shape=evolution.schedule,
            fraction=learner.settings.update_fraction,
            end=evolution.until,
        )
        gradients = None
        if grow.gradient_batches:
            gradients = self.dense_gradients(learner, batches=grow.gradient_batches)
        update = update_topology(
            {name: weight.detach() for name, weight in learner.weights.items()},
            learner.topology,
            prune=prune,
            grow=grow,
            fraction=schedule.at(learner.epoch),
            gradients=gradients,
            generator=self._seed.child("grow", learner.epoch).torch(),
        )
        learner.retopologise(update)

    def dense_gradients(self, learner: Learner, *, batches: int) -> dict[str, Tensor]:
        """Gradient of the plain loss over the next batches, for inactive weights too.

        If an epoch has fewer batches, it is the gradient over the whole epoch.
        """
        names, weights = zip(*learner.weights.items(), strict=True)
        total = [torch.zeros_like(weight) for weight in weights]
        seen = 0
        generator = self._seed.child("gradients", learner.epoch).torch()
        with global_random_state(generator):  # for dropout, as in training
            for batch in islice(self._batches(learner.epoch), batches):
                loss = F.cross_entropy(learner.network(batch.inputs), batch.labels, reduction="sum")
                torch._foreach_add_(total, torch.autograd.grad(loss, weights))
                seen += len(batch.labels)
        return {name: sum_ / seen for name, sum_ in zip(names, total, strict=True)}

    def _batches(self, epoch: int) -> Iterator[Batch]:
        order = torch.randperm(len(self), generator=self._seed.child("batches", epoch).torch())
        for rows in order.to(self._labels.device).split(self._batch_size):
            yield Batch(
                inputs=self._inputs[rows],
                labels=self._labels[rows],
                attributes={name: values[rows] for name, values in self._attributes.items()},
            )

    def _train_epoch(self, learner: Learner, epoch: int, what: str) -> None:
        generator = self._seed.child("transform", epoch).torch()
        total = torch.zeros((), device=self._labels.device)
        with global_random_state(generator):  # for dropout and its like inside a network
            for plain in self._batches(epoch):
                batch = plain
                for defence in learner.defences.values():
                    batch = defence.transform(batch, generator=generator)
                total += self._train_batch(learner, batch, epoch)
        if not torch.isfinite(total):
            raise TrainingDivergedError(
                f"the loss of {what} is no longer a number in epoch {epoch + 1}; try a smaller "
                "training.learning_rate, or smaller weights of the defences"
            )

    @staticmethod
    def _train_batch(learner: Learner, batch: Batch, epoch: int) -> Tensor:
        logits, representation = learner.network.represent(batch.inputs)
        losses = F.cross_entropy(logits, batch.labels, reduction="none")
        loss = losses.mean()
        if learner.defences:
            step = Step(
                batch=batch,
                logits=logits,
                representation=representation,
                losses=losses,
                epoch=epoch,
                weights=learner.weights,
            )
            for defence in learner.defences.values():
                loss = defence.loss(step, loss)
        learner.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        learner.optimizer.step()
        return loss.detach()
