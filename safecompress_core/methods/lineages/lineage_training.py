"""Lineages: models that a race trains from their first step, each with its swap twin."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from safecompress_core.api import Start
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.model_costs import ModelCosts
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.networks.classifier import Classifier
from safecompress_core.sparse.reallocation import reallocate
from safecompress_core.training.settings import Settings
from safecompress_core.training.trainer import TopologySchedule, Trainer
from safecompress_core.training.training_state import TrainingState

__all__ = ["Lineage", "LineageTraining", "TestedPair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """A model on its way through the rounds.

    Attributes:
        number: of the lineage, from 1; candidates keep that of the model they come from.
        name: what distinguishes its settings from the spec's.
        start: source of its first weights: ``random``, ``inherit`` or ``pretrained``.
        id: of the model that the last round tested; ``initial`` before the first.
        states: of the model and, where it has one, of its swap twin, which is never shipped.
    """

    number: int
    name: str
    start: Start
    id: str
    states: tuple[TrainingState, ...]

    @property
    def state(self) -> TrainingState:
        """Return the training state of the model."""
        return self.states[0]

    @property
    def twin(self) -> TrainingState | None:
        """Return that of the swap twin; None without one."""
        return self.states[1] if len(self.states) > 1 else None

    def to_json(self) -> dict[str, Any]:
        """Return the record of a checkpoint, without the tensors of its states."""
        return {
            "number": self.number,
            "name": self.name,
            "start": self.start,
            "id": self.id,
            "epoch": self.state.epoch,
            "settings": self.state.settings.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TestedPair:
    """A model and its swap twin as a test finds them.

    Attributes:
        state: of the model; after its finishers, if models are tested so.
        twin_state: of its swap twin; None without one.
    """

    state: TrainingState
    twin_state: TrainingState | None

    @property
    def network(self) -> Classifier:
        """The model as attackers query it."""
        return self.state.shipped

    @property
    def twin(self) -> Classifier | None:
        """The twin as attackers query it; None without one."""
        return None if self.twin_state is None else self.twin_state.shipped


class LineageTraining:
    """Starts, trains and branches lineages; what happens to a model happens to its twin.

    Args:
        context: of the method.
        training: start and topology schedule of sparse networks.
        twins: whether lineages have a swap twin.
        test_finished: whether models are tested as their finishers leave them.

    Attributes:
        context: of the method.
        costs: measures what the rule that chooses counts as costs.
    """

    def __init__(
        self,
        context: MethodContext,
        training: SparseTraining,
        *,
        twins: bool,
        test_finished: bool = False,
    ) -> None:
        self.context = context
        self.costs = ModelCosts(context)
        self._test_finished = test_finished
        self._contexts: tuple[MethodContext, ...] = (context,)
        if twins:
            assert context.twin is not None  # an attack compares with one, which the spec says
            self._contexts = (context, context.twin)
        self._training = training
        self._topology_schedule: TopologySchedule = training.topology_schedule(context)

    @property
    def models(self) -> int:
        """Return how many models a lineage trains: its own and, where it has one, its twin."""
        return len(self._contexts)

    @property
    def _trainers(self) -> Iterator[Trainer]:
        return (context.trainer for context in self._contexts)

    def as_tested(self, lineage: Lineage) -> TestedPair:
        """Return model and twin as attackers query them."""
        states = lineage.states
        if self._test_finished:
            pairs = zip(self._contexts, states, strict=True)
            states = tuple(context.finish(state).state for context, state in pairs)
        state, *twins = states
        return TestedPair(state=state, twin_state=twins[0] if twins else None)

    def finish(self, tested: TestedPair) -> TrainingState:
        """Return a tested model after its finishers, which are applied once."""
        return tested.state if self._test_finished else self.context.finish(tested.state).state

    def start(self, number: int, drawn: LineageSettings) -> Lineage:
        """Return an untrained lineage."""
        return Lineage(
            number=number,
            name=drawn.name,
            start=drawn.start,
            id="initial",
            states=tuple(
                self._training.create_state(context, drawn.settings, start=drawn.start)
                for context in self._contexts
            ),
        )

    def restore(
        self, record: Mapping[str, Any], tensors: Sequence[Mapping[str, Tensor]], written: Settings
    ) -> Lineage:
        """Return the lineage of a checkpoint.

        Args:
            record: what ``Lineage.to_json`` returned.
            tensors: of its training states.
            written: settings of the spec; they lend the types of their parameters.
        """
        settings = written.restore(record["settings"])
        return Lineage(
            number=record["number"],
            name=record["name"],
            start=record["start"],
            id=record["id"],
            states=tuple(
                context.restore_state(kept, settings, epoch=record["epoch"])
                for context, kept in zip(self._contexts, tensors, strict=True)
            ),
        )

    def train(self, lineage: Lineage, *, until: int, what: str, is_derived: bool = False) -> None:
        """Train model and twin to the end of epoch ``until``."""
        names = (what, f"the twin of {what}")
        for trainer, state, name in zip(self._trainers, lineage.states, names, strict=False):
            trainer.train(
                state,
                until=until,
                topology_schedule=self._topology_schedule,
                what=name,
                is_derived=is_derived,
            )

    def branch(
        self, lineage: Lineage, settings: Settings, *, model: str, rule: int | None
    ) -> Lineage:
        """Return a candidate: a copy with other settings and, by a rule, another topology.

        Where the settings are of a lower density, the smallest weights of each layer leave first;
        where they change a layer's share, weights move between layers.
        """
        branched = tuple(
            _branch(context, state, settings)
            for context, state in zip(self._contexts, lineage.states, strict=True)
        )
        if rule is not None:
            for trainer, state in zip(self._trainers, branched, strict=True):
                trainer.evolve(state, self._topology_schedule, rule=rule)
        return replace(lineage, id=model, states=branched)


def _branch(context: MethodContext, state: TrainingState, settings: Settings) -> TrainingState:
    """Return a copy of a training state with other settings, its weights moved as they say."""
    branched = state.branch(settings)
    factors = settings.layers_over(state.settings)
    if not factors:
        return branched
    assert branched.topology is not None  # it is sparse
    topology = reallocate(
        branched.topology,
        branched.weights,
        factors,
        by_magnitude=True,
        # By the epoch: a replay, whose model has another name, moves the same weights.
        generator=context.seed.child("reallocation", state.epoch).torch(),
    )
    return branched.branch(settings, topology=topology)
