"""Methods: the context that they get and the outcome that they return."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from safecompress_core.api import DataCard, Definition, HeldOut, Need, Params, component_id
from safecompress_core.atomic_writing import write_bytes
from safecompress_core.choose.aggregator import Aggregator
from safecompress_core.choose.archive import Archive
from safecompress_core.host.boundary import check_result
from safecompress_core.methods.architecture import Architecture
from safecompress_core.methods.finisher import FinishedModel
from safecompress_core.methods.lineages.evaluator import CandidateEvaluator
from safecompress_core.networks.classifier import Classifier
from safecompress_core.problems import Problem
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.results.schema import PhaseRecord, RoundRecord, format_errors
from safecompress_core.saved_models.storage import model_bytes
from safecompress_core.seeding import Seed
from safecompress_core.sparse.topology import Topology
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.training.defence import Defence, DefenceInputs
from safecompress_core.training.precision import PLAIN, Precision
from safecompress_core.training.settings import Settings
from safecompress_core.training.trainer import Trainer
from safecompress_core.training.training_state import TrainingState, read_topology

__all__ = [
    "Method",
    "MethodContext",
    "MethodOutcome",
    "MethodPart",
    "Recipe",
    "shared_teacher",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Recipe of training, the same for every method.

    Attributes:
        epochs: passes over the members that the final model has been trained for.
        learning_rate: where training starts.
        optimizer: an optimizer for given parameters at a given learning rate.
        precision: what forward passes are computed in.
    """

    epochs: int
    learning_rate: float
    optimizer: Callable[[list[nn.Parameter], float], torch.optim.Optimizer]
    precision: Precision = PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodPart:
    """Part of a method's work that another process can do, by `Method.do_part`.

    Attributes:
        checkpoint: name of the checkpoint that it leaves.
        label: its name in messages.
        facts: what is to be done, JSON-ready.
        reads: files of the method's checkpoints that it reads, by their path there.
    """

    checkpoint: str
    label: str
    facts: Mapping[str, Any]
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodContext:
    """All that a method works with. The audit pool is not in it: what selects never judges.

    Attributes:
        recipe: how models are trained.
        trainer: trains on the members.
        evaluator: tests a candidate on the *select* pool.
        aggregator: chooses among candidates.
        create_component: builds a component from its parameters.
        create_network: a fresh network; the same weights at every call.
        copy_uncompressed: the trained uncompressed network, for methods that start from it; a copy
        every time.
        teacher: the same for defences that ask it: one for all, in eval mode, not to be trained.
        chooses: whether tests of its models choose what the method yields.
        data_card: facts on the data.
        seed: of this method.
        checkpoints: where it keeps what it has reached.
        archive_path: the file of a model of the archive.
        finish: applies the spec's finishers to a copy of a model.
        held_out: what other uncompressed models, each trained on a part of the members, answer
            about the rest: (members, C), in their order. They are trained when first asked for.
        architecture: the spec's model, and what else can be built for the same samples.
        model_metadata: what a model file says of its architecture, inputs and classes.
        events: the event log.
        twin: the context of the models' swap twins; None where no attack compares with one. Its
            trainer's members are those of the twin, and so are those of its uncompressed network,
            teacher and held-out answers. Seeds are the same.
        do_parts: does parts of the work elsewhere, each to its checkpoint, and yields those that
            are done; None where all work is done here.
    """

    recipe: Recipe
    trainer: Trainer
    evaluator: CandidateEvaluator
    aggregator: Aggregator
    create_component: Callable[[Params], Any]
    create_network: Callable[[], Classifier]
    copy_uncompressed: Callable[[], Classifier]
    teacher: Callable[[], Classifier]
    chooses: bool
    data_card: DataCard
    seed: Seed
    checkpoints: Checkpoints
    archive_path: Callable[[str], Path]
    finish: Callable[[TrainingState], FinishedModel]
    held_out: Callable[[HeldOut], torch.Tensor]
    architecture: Architecture
    model_metadata: Mapping[str, Any]
    events: EventLog
    twin: "MethodContext | None"
    do_parts: Callable[[Sequence[MethodPart]], Iterator[MethodPart]] | None = None

    def settings(
        self, defences: list[Params], *, density: float = 1.0, update_fraction: float = 0
    ) -> Settings:
        """Return the initial settings of a model, dense by default."""
        return Settings(
            learning_rate=self.recipe.learning_rate,
            density=density,
            update_fraction=update_fraction,
            rule=0,
            defences={component_id(params): params for params in defences},
        )

    def new_state(
        self, network: Classifier, topology: Topology | None, settings: Settings
    ) -> TrainingState:
        """An untrained training state around a network."""

        def make_defence(name: str, params: Params) -> Defence:
            defence: Defence = self.create_component(params)
            defence.prepare(
                representation=network.width,
                # Seeds by name: adding a defence leaves the draws of all others unchanged.
                classes=self.data_card.classes,
                attributes=self.data_card.attributes,
                generator=self.seed.child("defence", name).torch(),
            )
            defence.guard = defence.make_guard(
                classes=self.data_card.classes, generator=self.seed.child("guard", name).torch()
            )
            asks = definition_of(params)
            defence.equip(
                DefenceInputs(
                    schedule=self.trainer.schedule,
                    is_chosen=self.chooses,
                    bounds=self.trainer.bounds,
                    # Only declared needs are passed on, so that a declaration cannot be wrong
                    # unnoticed.
                    reference=self.trainer.reference if Need.REFERENCE_DATA in asks.needs else None,
                    teacher=self.teacher() if Need.UNCOMPRESSED in asks.needs else None,
                    held_out=self.held_out(asks.held_out(params)) if asks.held_out else None,
                )
            )
            return defence

        # The device of the network, since the scaler of half precision lives there.
        device = next(network.parameters()).device

        return TrainingState(
            network,
            topology,
            settings,
            make_optimizer=self.recipe.optimizer,
            make_defence=make_defence,
            make_scaler=lambda: self.recipe.precision.scaler(device),
        )

    def move_state(self, state: TrainingState, network: Classifier) -> TrainingState:
        """A dense training state that goes on in another network, for a method that reshapes one.

        Settings and epochs are ``state``'s, and so is what its defences have learned, where it is
        of no shape that has changed; the optimizer begins anew.
        """
        moved = self.new_state(network, None, state.settings)
        moved.follow(state)
        return moved

    def store(self, state: TrainingState, path: Path, *, model: Params | None = None) -> None:
        """Write the model of a training state; the same model gives the same bytes.

        Args:
            state: what is written.
            path: where; folders are made.
            model: its architecture, where that is not the spec's.
        """
        write_bytes(path, self.model_bytes(state, model=model))

    def model_bytes(self, state: TrainingState, *, model: Params | None = None) -> bytes:
        """Return the content of the model file that ``store`` writes."""
        # A copy: the metadata is shared by all models of a run.
        model_metadata = dict(self.model_metadata)
        if model is not None:
            model_metadata["model"] = model.model_dump(mode="json")
        if state.network.layer_shapes:
            model_metadata["reshaping"] = state.network.layer_shapes.to_json()
        guarding, guard = state.guarding, state.guard
        if guarding is not None:
            model_metadata["guard"] = guarding.model_dump(mode="json", exclude_none=True)
        tensors = state.network.state()
        shapes = {name: weight.shape for name, weight in state.weights.items()}
        # A model file needs a topology; a dense one costs no mask.
        topology = state.topology or Topology.dense(shapes)
        return model_bytes(
            tensors,
            topology,
            model_metadata,
            codes=state.codes,
            inputs=state.network.rounded_inputs,
            guard={} if guard is None else guard.state_dict(),
        )

    def restore_state(
        self,
        tensors: Mapping[str, torch.Tensor],
        settings: Settings,
        *,
        epoch: int,
        network: Callable[[], Classifier] | None = None,
    ) -> TrainingState:
        """Return the training state of a checkpoint, in a fresh network by default."""
        made = (network or self.create_network)()
        # The topology comes first, since a training state is built around it.
        topology = read_topology(tensors, made.sparse_parameters())
        state = self.new_state(made, topology, settings)
        state.restore(tensors, epoch=epoch)
        return state


def shared_teacher(big: Callable[[], Classifier]) -> Callable[[], Classifier]:
    """Return one frozen network of ``copy_uncompressed``, made when it is first asked for."""

    @cache
    def teacher() -> Classifier:
        # Frozen and in eval mode: one teacher serves all candidates, and must not change.
        return big().eval().requires_grad_(requires_grad=False)

    return teacher


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodOutcome:
    """Outcome of a method.

    Attributes:
        chosen: the model that it stands for.
        chosen_id: what the archive calls it; empty for a method that chooses nothing.
        rounds: what happened, JSON-ready; empty for a method without rounds.
        archive: the non-dominated models over all rounds; None for a method that tests nothing.
        model: the architecture of ``chosen``, where that is not the spec's.
        phases: what was done in which order, JSON-ready; each has a ``name``, the ``epochs`` in it
            and the ``density`` at its end. Empty for a method that has none, or rounds.
        facts: what else should be known of the work, JSON-ready.
        lineage: how the chosen model was trained, JSON-ready, for ``Method.replay``; empty for a
            method that chooses nothing.
    """

    chosen: TrainingState
    chosen_id: str = ""
    rounds: tuple[dict[str, Any], ...] = ()
    archive: Archive | None = None
    model: Params | None = None
    phases: tuple[dict[str, Any], ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)


def _check_outcome(_: Definition, outcome: object, *__: object) -> None:
    # Plugins return any object; a wrong one would fail much later, in the audit.
    if not isinstance(outcome, MethodOutcome) or not isinstance(outcome.chosen, TrainingState):
        raise ValueError(
            f"returned {type(outcome).__name__}; it must return a MethodOutcome with the chosen "
            f"TrainingState"
        )
    # Here a plugin is named; when results are written, its training is over.
    try:
        for content in outcome.rounds:
            RoundRecord.model_validate(content)
        for content in outcome.phases:
            PhaseRecord.model_validate(content)
    except ValidationError as error:
        raise ValueError(f"returned what results cannot hold: {format_errors(error)}") from error
    # Names and jobs of reference models are made of it.
    try:
        json.dumps(outcome.lineage)
    except (TypeError, ValueError) as error:
        raise ValueError(f"returned a lineage that JSON cannot hold: {error}") from error


def _check_replay(_: Definition, state: object, *__: object) -> None:
    if not isinstance(state, TrainingState):
        raise ValueError(f"returned {type(state).__name__}; it must return a TrainingState")


class Method(ABC):
    """Built from its parameters."""

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterable[Problem]:
        """Return the problems of its parameters, before training.

        Args:
            network: as it is before training; it may be changed.
            recipe: how models will be trained.
            create: builds a component from its parameters.
            architecture: the spec's model, and what else can be built for the same samples.
        """
        return ()

    def trainee(self, architecture: Architecture) -> Params:
        """The model that the method's defences help to train, which has no problems; the spec's."""
        return architecture.model

    @abstractmethod
    def units(self) -> int:
        """Return the number of models that it trains or tests, for the display of progress."""

    @abstractmethod
    @check_result(_check_outcome)
    def run(self, context: MethodContext) -> MethodOutcome:
        """Yield a model; goes on from a checkpoint where there is one."""

    def do_part(self, context: MethodContext, part: MethodPart) -> None:
        """Do a part that this method has given to ``context.do_parts``, in another process.

        Args:
            context: the same as there, but that it does no parts, and that its events end here.
            part: which one; its checkpoint is the only result.
        """
        raise NotImplementedError(f"{type(self).__name__} has no part {part.label!r}")

    @check_result(_check_replay)
    def replay(self, context: MethodContext, lineage: Mapping[str, Any]) -> TrainingState:
        """Train the model of a lineage again, on the context's members and without any test.

        The default is for a method that selects nothing: its run is a replay already.

        Args:
            context: of the run, which gives the same bytes again, or of a reference model.
            lineage: that of the run's `MethodOutcome`.
        """
        return self.run(context).chosen
