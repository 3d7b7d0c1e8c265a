"""A few training steps on made-up samples of the true shape: what a step costs on this machine.

Nothing is read from disk where the data's card states the shape of a sample, so a run can be
planned where its data are not; a run too large to be done here can still be measured here.
"""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from safecompress_core.api import DataCard, DensityParams
from safecompress_core.attacks.observations import observe
from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.context.samples import NetworkSamples
from safecompress_core.data.dataset import Attribute, Dataset
from safecompress_core.data.pools import Pool, SamplePools
from safecompress_core.host import Registry
from safecompress_core.methods.method import MethodContext
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.networks.cost import macs
from safecompress_core.preflight.run_checks import require_buildable
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.environment import reproducible
from safecompress_core.results.events import EventLog
from safecompress_core.runs.failure_attribution import naming_code
from safecompress_core.seeding import Seed
from safecompress_core.sparse.selection import random_positions
from safecompress_core.sparse.topology import Topology
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.specfile.models.run_spec import RunSpec
from safecompress_core.specfile.placing import locating_components
from safecompress_core.training.trainer import Trainer
from safecompress_core.training.training_state import TrainingState

__all__ = ["StepTiming", "measure_step"]

POOLED = 12
"""Made-up samples that stand in the pools: two on either side of each, and none is attacked."""
STEPS, ENOUGH = 10, 5.0
"""Steps that are timed at most, and the seconds after which no more are begun."""
WORDS = 600
"""Length of a made-up text: more than a model reads, so that it is cut as a long one is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTiming:
    """Time and memory of a training step.

    Attributes:
        device: where.
        threads: of torch.
        precision: of the layers in training.
        parameters: of the network.
        multiplications: of one sample's forward pass, in linear layers and convolutions.
        samples: in all, where they had to be loaded; None where they are made up.
        batch_size: samples of a step.
        step_seconds: of the fastest training step, with masks and defences.
        observing_seconds: of a forward pass over as many samples as an attack sees them: float32.
        peak_bytes: the most memory there was in use: of the whole process, or of the accelerator.
    """

    device: str
    threads: int
    precision: str
    parameters: int
    multiplications: int
    samples: int | None
    batch_size: int
    step_seconds: float
    observing_seconds: float
    peak_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@locating_components
@naming_code
def measure_step(loaded: LoadedSpec, registry: Registry) -> StepTiming:
    """Train some steps as the spec's method would, at its density, and observe a batch.

    Raises:
        SpecError: if the model cannot be had, or, where samples cannot be made up, the data.
    """
    run_context, samples = build_timing_context(loaded, registry)
    require_buildable(run_context)
    batch = loaded.spec.training.batch_size
    with (
        # Threads of a real run, since they decide the time of a step.
        reproducible(run_context.threads),
        TemporaryDirectory() as place,
    ):
        context = run_context.method_context(
            "measuring",
            # A fresh network instead of the uncompressed model, whose training would take too long.
            big=None,
            checkpoints=Checkpoints(Path(place)),
            archived=lambda model: Path(place) / model,
            events=EventLog(),
        )
        # a step costs the same whatever a defence has other models answer
        even = torch.full(
            (len(context.trainer), context.data_card.classes), 1 / context.data_card.classes
        )
        state = _new_state(run_context, replace(context, held_out=lambda _: even))
        for defence in state.defences.values():
            defence.guard = None  # a guard learns after many steps, not in each

        def step() -> None:
            # One epoch is one batch here, so ``until`` counts steps.
            until = state.epoch + 1
            context.trainer.train(
                state, until=until, topology_schedule=None, what="the made-up model"
            )

        rows = torch.arange(batch)
        inputs, labels = run_context.dataset.inputs[rows], run_context.dataset.labels[rows]
        return StepTiming(
            device=str(run_context.device),
            threads=torch.get_num_threads(),
            precision=str(run_context.recipe.precision.dtype).removeprefix("torch."),
            parameters=sum(parameter.numel() for parameter in state.network.parameters()),
            multiplications=macs(state.network, run_context.sample),
            samples=None if samples.are_made_up else len(samples.original.labels),
            batch_size=batch,
            # The fastest, not the mean: other processes can only slow a step down.
            step_seconds=_fastest(step, run_context.device),
            observing_seconds=_fastest(
                lambda: observe(state.network, inputs, labels, batch_size=batch), run_context.device
            ),
            peak_bytes=_peak_bytes(run_context.device),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class TimedSamples:
    """Noise of the shape in the data's card; the run's samples if the card has no shape.

    Attributes:
        origin: samples of the run.
        spec: of the run.
        seed: of the noise.
    """

    origin: NetworkSamples
    spec: RunSpec
    seed: Seed

    @property
    def factory(self) -> ModelFactory:
        """Return that of the run, which has read these samples."""
        return self.origin.factory

    @cached_property
    def original(self) -> Dataset:
        """Return one batch of samples, and one sample more."""
        card = self._card
        # One sample more than the pools, as a reference sample for defences that need one.
        if card is None or not self.are_made_up:
            return self.origin.original
        count = max(self.spec.training.batch_size, POOLED) + 1
        generator = self.seed.child("made-up").torch()
        inputs = torch.rand(count, *card.input_shape, generator=generator)
        data = Dataset(
            inputs=inputs,
            # All classes in turn, so that each has samples in a small batch.
            labels=torch.arange(count) % card.classes,
            classes=tuple(map(str, range(card.classes))),
            attributes={
                name: Attribute(torch.arange(count) % values, tuple(map(str, range(values))))
                for name, values in card.attributes.items()
            },
            # Inputs without values are texts, which the factory makes tokens of.
            texts=() if inputs.numel() else ("word " * WORDS,) * count,
        )
        return self.factory.prepare(data)

    @property
    def are_made_up(self) -> bool:
        """Return whether the data card gives the shape of a sample, so that none is loaded."""
        return self._card is not None and bool(self._card.input_shape)

    @property
    def _card(self) -> DataCard | None:
        card = definition_of(self.spec.task.data).card
        return card(self.spec.task.data) if card is not None else None

    @property
    def dataset(self) -> Dataset:
        """Return the same: there are no canaries."""
        return self.original

    @cached_property
    def pools(self) -> SamplePools:
        """Return the smallest pools that are allowed: none of them is attacked."""
        names = ("attack-train", "select", "audit")
        # Twelve positions cut into three pools of two members and two non-members.
        sides = torch.arange(POOLED).view(len(names), 2, -1)
        known, select, audit = (
            Pool(name, members, others)
            for name, (members, others) in zip(names, sides, strict=True)
        )
        reference = torch.tensor([POOLED])
        return SamplePools(attack_train=known, select=select, audit=audit, reference=reference)


def build_timing_context(loaded: LoadedSpec, registry: Registry) -> tuple[RunContext, TimedSamples]:
    """Build a run's context with other samples, pools and trainer, and return these samples too."""
    run = build_run_context(loaded, registry)
    samples = TimedSamples(origin=run.samples, spec=run.spec, seed=run.seed)
    # Nothing is attacked, and pools of so few samples have none that a swap twin could exchange.
    timed = replace(run, samples=samples, trainer_of=_trainer_of_a_batch, selecting=())
    return timed, samples


def _trainer_of_a_batch(run_context: RunContext) -> Trainer:
    """Return a trainer whose epoch is a single batch."""
    training = run_context.spec.training
    return Trainer(
        run_context.dataset,
        torch.arange(training.batch_size),
        batch_size=training.batch_size,
        device=run_context.device,
        seed=run_context.seed.child("training"),
        clip_norm=training.clip_norm,
        precision=run_context.recipe.precision,
        augmentation=training.augmentation,
        reference=run_context.pools.reference,
    )


def _new_state(run_context: RunContext, context: MethodContext) -> TrainingState:
    """With the method's defences, and a random topology of its density where it has one."""
    network, method = context.create_network(), run_context.spec.method
    density = method.density if isinstance(method, DensityParams) else 1.0
    generator = context.seed.child("topology").torch()
    topology = Topology.from_masks(
        {
            name: random_positions(
                torch.ones(weight.shape, dtype=torch.bool),
                # At least one weight: a layer without any could not be trained.
                max(1, round(density * weight.numel())),
                generator=generator,
            )
            for name, weight in network.sparse_parameters().items()
        }
    )
    settings = context.settings(method.defences)
    # Without masks at density 1, as the method itself would train.
    return context.new_state(network, topology if density < 1 else None, settings)


def _fastest(work: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest of several times; the first, which prepares much, does not count."""
    work()
    # Bounded by steps and by time: a step of a large model may take longer than ENOUGH alone.
    seconds: list[float] = []
    while len(seconds) < STEPS and sum(seconds) < ENOUGH:
        # CUDA runs asynchronously; without waiting only the launch would be timed.
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak if sys.platform == "darwin" else 1024 * peak
