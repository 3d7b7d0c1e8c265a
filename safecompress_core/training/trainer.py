"""Trains training states on the members.

- Batches depend on the seed and the epoch alone, so that candidates see the same samples in the
  same order, under the same augmentation: what differs between them is what was changed.
- Data that fit stay on the device as tensors, and a batch is an index operation; others are read
  ahead, batch by batch. Both give the same bytes.
- Only training sees transformed inputs. What observes a model gets the samples as they are.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Self

import torch
from torch import Tensor, nn

from safecompress_core.data.dataset import Dataset, in_batches, select_inputs
from safecompress_core.errors import TrainingDivergedError
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.output_guard import OutputGuard
from safecompress_core.seeding import Seed, global_random_state
from safecompress_core.sparse.schedule import ScheduleName, UpdateSchedule
from safecompress_core.sparse.strategy import Grow, LossGradients, Prune
from safecompress_core.sparse.update import update_topology
from safecompress_core.specfile.models.run_spec import Augmentation
from safecompress_core.training.augmentation import NO_AUGMENTATION, augment
from safecompress_core.training.data_parallel import ALONE, DataParallel, digest_weights
from safecompress_core.training.defence import Batch, Defence, Schedule, Step
from safecompress_core.training.guard_training import train_guard
from safecompress_core.training.learning_rate import CONSTANT, LearningRate
from safecompress_core.training.loss_gradients import loss_gradients
from safecompress_core.training.precision import PLAIN, Precision
from safecompress_core.training.training_state import TrainingState
from safecompress_core.training.training_step import TrainingStep

__all__ = ["TopologySchedule", "Trainer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologySchedule:
    """Schedule and rules of a topology's updates during training.

    Attributes:
        rules: the prune and grow parts that a training state's ``settings.rule`` picks from.
        every: epochs between updates; 0 for none.
        schedule: ``cosine``, ``linear`` or ``constant``.
        until: the epoch after which the topology stays as it is.
    """

    rules: tuple[tuple[Prune, Grow], ...]
    every: int
    schedule: ScheduleName
    until: float

    def remembers(self, epoch: int) -> bool:
        """Return whether a rule may need the running average of this epoch's gradients."""
        return epoch < self.until and any(grow.needs_momentum for _, grow in self.rules)

    def due(self, epoch: int) -> bool:
        """Return whether an update is due right before this epoch."""
        # Not before epoch 0: the initial topology has not been trained yet.
        return self.every > 0 and epoch > 0 and epoch % self.every == 0 and epoch < self.until


Forward = Callable[[Tensor], tuple[Tensor, Tensor]]
"""A forward pass: logits (B, C) and representation (B, H) of inputs."""


StepListener = Callable[[TrainingStep], None]
"""Called after each step of training."""


class Trainer:
    """Trains on a fixed set of samples.

    Args:
        dataset: holds the samples.
        members: positions of those to train on, int64.
        batch_size: samples in a batch; a last one of a single sample joins the batch before it,
            since batch normalisation has nothing to go by in it.
        device: where networks are.
        seed: what batches, augmentation and dropout are drawn from.
        epochs: of a whole run, which the learning rate's schedule is spread over.
        learning_rate: how it rises and falls.
        clip_norm: largest norm of a step's gradient; 0 for no limit.
        precision: of the forward pass.
        augmentation: random changes of images, drawn anew for each view of a sample.
        reference: positions of the samples that defences may learn from in addition; None for none.
        group: the processes that train together, each on its slice of every batch.

    Attributes:
        listener: receives every step; None for none.
    """

    def __init__(
        self,
        dataset: Dataset,
        members: Tensor,
        *,
        batch_size: int,
        device: torch.device,
        seed: Seed,
        epochs: int = 1,
        learning_rate: LearningRate = CONSTANT,
        clip_norm: float = 0.0,
        precision: Precision = PLAIN,
        augmentation: Augmentation = NO_AUGMENTATION,
        reference: Tensor | None = None,
        group: DataParallel = ALONE,
    ) -> None:
        self._dataset = dataset
        # Chosen once: every epoch indexes into what is on the device already.
        self._inputs = select_inputs(dataset.inputs, members, device)
        self._labels = dataset.labels[members].to(device)
        self._attributes = _values(dataset, members, device)
        self._batch_size = batch_size
        self._device = device
        self._seed = seed
        self._epochs = epochs
        self._learning_rate = learning_rate
        self._clip_norm = clip_norm
        self._precision = precision
        self._augmentation = augmentation
        self._reference = reference
        self._group = group
        # None by default, so that a run without display pays nothing per step.
        self.listener: StepListener | None = None

    def with_listener(self, watch: StepListener) -> Self:
        """Return the same trainer, which reports every step."""
        # Shallow: data on the device are shared, only the listener differs.
        copied = copy.copy(self)
        copied.listener = watch
        return copied

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def schedule(self) -> Schedule:
        """Return the length of training in a whole run."""
        return Schedule(members=len(self), steps=len(self._sizes), epochs=self._epochs)

    @cached_property
    def bounds(self) -> tuple[Tensor, Tensor] | None:
        """The lowest and the highest value that an input can have; None where none are known."""
        if self._dataset.bounds is None:
            return None
        low, high = self._dataset.bounds
        return low.to(self._device), high.to(self._device)

    @cached_property
    def reference(self) -> Batch | None:
        """All samples that defences may learn from in addition to the members; None without any."""
        if self._reference is None:
            return None
        rows = self._reference
        return Batch(
            inputs=self._dataset.inputs[rows].to(self._device),
            labels=self._dataset.labels[rows].to(self._device),
            attributes=_values(self._dataset, rows, self._device),
        )

    def _others(self, guard: OutputGuard) -> Tensor | None:
        """The samples that it may hold members against; they are loaded where it asks for them."""
        # Loading the reference samples is avoided unless the guard reads them.
        if not guard.reads_samples or self.reference is None:
            return None
        return self.reference.inputs

    def train(
        self,
        state: TrainingState,
        *,
        until: int,
        topology_schedule: TopologySchedule | None,
        what: str,
        is_derived: bool = False,
        phase: tuple[int, int] | None = None,
        method_defences: Sequence[Defence] = (),
    ) -> None:
        """Train to the end of epoch ``until``, updating the topology on the way.

        A training state that is settled stays as it is, and only its epochs pass. What guards its
        answers learns at the end.

        Args:
            state: changed in place.
            until: how many epochs the training state has been trained for afterwards.
            topology_schedule: how its topology moves; None to leave it alone.
            what: what is being trained, for the error message.
            is_derived: whether its topology has just been decided, so that an update which is due
                right now is left out: it would prune what was grown and is still 0.
            phase: the epochs from and to which the schedule of the learning rate runs, for a
                method that trains in several; by default those of the whole run.
            method_defences: what the method itself changes of training, in the shape of defences
                and applied after the training state's. It has no parameters to train, and no part
                of a checkpoint.

        Raises:
            TrainingDivergedError: as soon as a loss is not finite.
            DataParallelError: if processes that train together are not at the same place.
        """
        place = f"the training of {what} from epoch {state.epoch} to {until}"
        self._group.require_equal(place, lambda: _describe(state))
        state.network.train()
        forward = state.network.represent
        # Compiled per call, since a branch has a network of its own.
        if self._precision.compile:
            forward = torch.compile(forward)
        start = state.epoch
        for epoch in range(start, until):
            began = time.perf_counter()
            if state.is_settled:
                # Epochs pass without training, so that checkpoints and schedules stay aligned.
                state.epoch = until
                break
            # Another update now would prune what was just grown and is still 0.
            decided = is_derived and epoch == start
            if topology_schedule and topology_schedule.due(epoch) and not decided:
                self.evolve(state, topology_schedule, rule=state.settings.rule)
            # A phase has a learning-rate schedule of its own, from its start to its end.
            rates = self._rates(epoch, *(phase or (0, self._epochs)))
            # Own defences come last, after those of the spec.
            defences = (*state.defences.values(), *method_defences)
            remembers = topology_schedule is not None and topology_schedule.remembers(epoch)
            report_step = self._step_reporter(what=what, epoch=epoch + 1, until=until, began=began)
            self._train_epoch(
                state,
                forward,
                epoch,
                defences,
                rates=rates,
                what=what,
                remembers=remembers,
                report_step=report_step,
            )
            self._group.average_buffers(state.network)
            # Before the review, which may restore an earlier state.
            state.epoch = epoch + 1
            _review(state, epoch)
        # After the last epoch only: the guard learns from the finished network.
        if state.guard is not None:
            train_guard(
                state.guard,
                state.network,
                self._inputs,
                self._others(state.guard),
                bounds=self.bounds,
                # Named by epoch: a resumed run draws the same numbers as one that was not
                # interrupted.
                generator=self._seed.child("guard", state.epoch).torch(),
            )
        # A round keeps all its candidates; their gradients are of no use to anybody.
        state.drop_gradients()
        self._group.require_equal(
            f"the weights of {what} after epoch {until}",
            lambda: digest_weights(state.network.parameters()),
        )

    def evolve(
        self, state: TrainingState, topology_schedule: TopologySchedule, *, rule: int
    ) -> None:
        """Update the topology once by one of the rules, at the share the schedule gives now.

        After ``topology_schedule.until`` the topology stays as it is, whatever the rule, and so it
        does once the training state is settled.
        """
        assert state.topology is not None  # a dense model never evolves
        # Frozen weights would not adapt to a changed topology.
        if state.epoch >= topology_schedule.until or state.is_settled:
            return
        prune, grow = topology_schedule.rules[rule]
        schedule = UpdateSchedule(
            shape=topology_schedule.schedule,
            fraction=state.settings.update_fraction,
            end=topology_schedule.until,
        )
        # 0 means that a part needs no gradients; parts that need as many share one pass.
        asked = {part.gradient_batches for part in (prune, grow)} - {0}
        gradients = {count: self.dense_gradients(state, batches=count) for count in sorted(asked)}
        # Detached: rules compare values, and must not extend the graph.
        update = update_topology(
            {name: weight.detach() for name, weight in state.weights.items()},
            state.topology,
            prune=prune,
            grow=grow,
            fraction=schedule.at(state.epoch),
            gradients=gradients.get(grow.gradient_batches),
            # Depends on the epoch alone, so that candidates differ only in what was changed.
            generator=self._seed.child("grow", state.epoch).torch(),
            prune_gradients=gradients.get(prune.gradient_batches),
            history=state.history,
        )
        state.apply_update(update)
        self._group.require_equal(
            f"the topology after its update at epoch {state.epoch}", lambda: _describe(state)
        )

    def dense_gradients(self, state: TrainingState, *, batches: int) -> dict[str, Tensor]:
        """Gradient of the plain loss over the next batches, for inactive weights too.

        If an epoch has fewer batches, it is the gradient over the whole epoch. It is in float32
        whatever the network trains in, since positions are compared by it; batch statistics are
        afterwards what they were.
        """
        # A stream of its own: growing must not shift the random numbers of training.
        generator = self._seed.child("gradients", state.epoch).torch()
        # Gradients see what training sees; a defence that hides members hides them here, too.
        shown = islice(self._batches_after_defences(state, generator), batches)
        return dict(self._loss_gradients(state.network, shown, generator).gradients)

    def loss_gradients(
        self, network: Classifier, *, batches: int, curvature: bool = False
    ) -> LossGradients:
        """Return the gradients of the plain loss over the first batches for a fresh network.

        Otherwise as `dense_gradients`.
        """
        # Batch statistics and dropout as in training, or saliency would be of another function.
        network.train()
        generator = self._seed.child("gradients", 0).torch()
        chosen = (self._augment(batch, generator) for batch in islice(self._batches(0), batches))
        return self._loss_gradients(network, chosen, generator, curvature=curvature)

    def _loss_gradients(
        self,
        network: Classifier,
        batches: Iterator[Batch],
        generator: torch.Generator,
        *,
        curvature: bool = False,
    ) -> LossGradients:
        # Batch norm would otherwise update its statistics by samples that are not trained on.
        own = self._group.own_generator(generator)
        with global_random_state(own), _same_buffers(network):  # dropout, as in training
            return loss_gradients(network, list(batches), curvature=curvature, group=self._group)

    @cached_property
    def _sizes(self) -> list[int]:
        """The number of samples of each batch, the same in every epoch."""
        whole, rest = divmod(len(self), self._batch_size)
        sizes = [self._batch_size] * whole
        # Batch norm has no variance for a single sample, so it joins the batch before.
        if rest == 1 < self._batch_size and whole:
            sizes[-1] += 1
        elif rest:
            sizes.append(rest)
        return sizes

    def _batches(self, epoch: int) -> Iterator[Batch]:
        # Shuffled on the CPU, so that the order does not depend on the device.
        order = torch.randperm(len(self), generator=self._seed.child("batches", epoch).torch())
        order = order.to(self._device)
        rows = order.split(self._sizes)
        # All but the inputs are small enough to be shuffled at once.
        labels = self._labels[order].split(self._sizes)
        attributes = {
            name: values[order].split(self._sizes) for name, values in self._attributes.items()
        }
        for index, inputs in enumerate(in_batches(self._inputs, rows)):
            yield Batch(
                inputs=inputs,
                labels=labels[index],
                attributes={name: parts[index] for name, parts in attributes.items()},
                rows=rows[index],
            )

    def _augment(self, batch: Batch, generator: torch.Generator) -> Batch:
        """The batch with its images cropped and flipped."""
        if not self._augmentation.is_random:
            return batch
        return replace(batch, inputs=augment(batch.inputs, self._augmentation, generator=generator))

    def _batches_after_defences(
        self, state: TrainingState, generator: torch.Generator
    ) -> Iterator[Batch]:
        """The next epoch's members, or what a defence puts in their place."""
        # Only these: other transforms would change the loss that topologies grow by.
        hiding = [defence for defence in state.defences.values() if defence.hides_members]
        for plain in self._batches(state.epoch):
            batch = self._augment(plain, generator)
            for defence in hiding:
                batch = defence.transform(batch, generator=generator)
            yield batch

    def _rates(self, epoch: int, start: int, end: int) -> Iterator[float]:
        """The factor of the learning rate for each step of an epoch."""
        steps = len(self._sizes)
        for step in range(steps):
            # Per step, not per epoch: a warm-up of less than an epoch still rises gradually.
            yield self._learning_rate.at((epoch + step / steps - start) / (end - start))

    def _train_epoch(
        self,
        state: TrainingState,
        forward: Forward,
        epoch: int,
        defences: Sequence[Defence],
        *,
        rates: Iterator[float],
        what: str,
        remembers: bool,
        report_step: Callable[[Tensor], None],
    ) -> None:
        # One stream per epoch: a resumed run repeats it without stored generator state.
        generator = self._seed.child("transform", epoch).torch()
        # What is drawn for the whole batch is drawn alike in all processes, the rest apart.
        own = self._group.own_generator(generator)
        views = math.prod(defence.views for defence in defences)
        # On the device: reading it each step would wait for the GPU.
        total = torch.zeros((), device=self._device)
        with global_random_state(own):  # for dropout and its like inside a network
            for plain, rate in zip(self._batches(epoch), rates, strict=True):
                batch = self._augment(plain.repeated(views), generator)
                # All of them, in the order of the spec.
                for defence in defences:
                    batch = defence.transform(batch, generator=generator)
                samples = len(batch.labels) // views
                # Rows of a sample stay together.
                start, end = self._group.bounds(samples)
                batch = batch.part(start * views, end * views)
                # After all transforms, since an adversarial example is for the final input.
                for defence in state.defences.values():
                    batch = defence.challenge(batch, state.network, generator=own)
                step = self._step(state, forward, batch, epoch, samples=samples)
                # Before the loss: an opponent is trained against the model as it is now.
                for defence in defences:
                    defence.oppose(step, generator=own)
                total += self._descend(
                    state, step, defences, rate=rate, remembers=remembers, generator=generator
                )
                report_step(total)
        # Checked once per epoch: reading the loss each step would wait for the device. Of all
        # processes, so that none goes on without the others.
        if not torch.isfinite(self._group.sum(total)):
            raise TrainingDivergedError(
                f"the loss of {what} is no longer a number in epoch {epoch + 1}; try a smaller "
                "training.learning_rate, or smaller weights of the defences"
            )

    def _step_reporter(
        self, *, what: str, epoch: int, until: int, began: float
    ) -> Callable[[Tensor], None]:
        """Return a function that reports the next step of an epoch, given the sum of its losses."""
        watch, steps = self.listener, self.schedule.steps
        if watch is None:
            return lambda _: None
        done, last = 0, began

        def report_step(total: Tensor) -> None:
            nonlocal done, last
            now, done = time.perf_counter(), done + 1
            watch(
                TrainingStep(
                    what=what,
                    epoch=epoch,
                    until=until,
                    step=done,
                    steps=steps,
                    # Called only if displayed, since it waits for the device.
                    loss=lambda: float(total) / done,
                    seconds=now - last,
                )
            )
            last = now

        return report_step

    def _step(
        self, state: TrainingState, forward: Forward, batch: Batch, epoch: int, *, samples: int
    ) -> Step:
        """The forward pass; from the logits on all is float32.

        ``samples`` is the size of the whole batch.
        """
        with ExitStack() as around:
            for defence in state.defences.values():
                around.enter_context(defence.inside(state.network))
            around.enter_context(self._precision.autocast(self._device))
            logits, representation = forward(batch.inputs)
        # Losses in half precision would lose small differences between confident samples.
        logits = logits.float()
        start, end = self._group.bounds(samples)
        copies = self._group.copies(samples)
        return Step(
            batch=batch,
            logits=logits,
            representation=representation.float(),
            losses=batch.cross_entropy(logits),
            epoch=epoch,
            weights=state.weights,
            network=state.network,
            group=self._group,
            share=(end - start) / (samples * copies),
            copies=copies,
        )

    def _descend(
        self,
        state: TrainingState,
        step: Step,
        defences: Sequence[Defence],
        *,
        rate: float,
        remembers: bool,
        generator: torch.Generator,
    ) -> Tensor:
        """Loss, gradients and the optimizer's step; returns the loss."""
        loss = step.losses.mean()
        for defence in defences:
            loss = defence.loss(step, loss)
        optimizer, scaler = state.optimizer, state.scaler
        state.drop_gradients()
        if scaler is None:
            loss.backward()
        else:
            scaler.scale(loss).backward()
        self._group.sum_gradients(state.gradients(), share=step.share)
        if scaler is not None:
            # Before `adjust` and clipping, which are defined for true gradients.
            scaler.unscale_(optimizer)
        for defence in defences:
            defence.adjust(step, generator=generator)
        # Autograd lays them out as their parameters are; a defence may not.
        if defences:
            state.align_gradients()
        # After `adjust`, which is promised gradients that are not clipped yet.
        if self._clip_norm:
            nn.utils.clip_grad_norm_(state.network.parameters(), self._clip_norm)
        # Set at each step, so that the schedule has no state to store.
        for group in optimizer.param_groups:
            group["lr"] = state.settings.learning_rate * rate
        # Before the step, which masks them.
        if remembers:
            state.remember()
        if scaler is None:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()
        # Detached, or the sum of losses would keep every step's graph.
        return loss.detach()


def _review(state: TrainingState, epoch: int) -> None:
    """Let the defences look at what an epoch has made; one of them may have had enough."""
    for defence in state.defences.values():
        defence.review(state.network, epoch=epoch)
    # A review may have restored other masks, which the binding has to take over.
    if state.is_settled:
        state.settle()


def _describe(state: TrainingState) -> bytes:
    """Return what processes must agree on before they train on: settings and topology."""
    topology = "dense" if state.topology is None else state.topology.digest()
    return f"{state.settings.to_json()} {state.epoch} {topology}".encode()


def _values(dataset: Dataset, rows: Tensor, device: torch.device) -> dict[str, Tensor]:
    """Private attributes of some samples."""
    return {
        name: attribute.values[rows].to(device) for name, attribute in dataset.attributes.items()
    }


@contextmanager
def _same_buffers(network: nn.Module) -> Iterator[None]:
    """Afterwards the network's buffers (running statistics, say) are what they were."""
    # Cloned before the pass, which writes in place.
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    try:
        yield
    finally:
        for buffer, value in buffers:
            buffer.copy_(value)
