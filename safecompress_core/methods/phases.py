"""The phases of a method that trains one model step by step, each kept as soon as it is finished.

A run that was killed goes on after the last phase that was kept, to the same end: what a phase
draws at random follows from the seed and from how far training has come.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self

from safecompress_core.api import Params
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.layer_shapes import LayerShapes
from safecompress_core.training.settings import Settings
from safecompress_core.training.training_state import TrainingState

__all__ = ["Phases"]

Work = Callable[[TrainingState], tuple[TrainingState, Mapping[str, Any]]]
"""What a phase does with a training state: the one that goes on, and what should be known of it."""


class Phases:
    """Does phases in their order, and leaves out those that an earlier run has finished.

    Args:
        context: where checkpoints are.
        settings: how all phases train.
        count: how many there are in all.
        start: makes the training state that the first phase is given.
        network: a fresh network to fill with what was kept; by default ``context.blank``.

    Attributes:
        finished: what results say of each finished phase.
    """

    def __init__(
        self,
        context: MethodContext,
        settings: Settings,
        *,
        count: int,
        start: Callable[[], TrainingState],
        network: Callable[[], Classifier] | None = None,
    ) -> None:
        self._method_context = context
        self._start = start
        self._passed = 0
        self._learner: TrainingState | None = None
        self.finished: tuple[dict[str, Any], ...] = ()
        names = map(_name, range(count, 0, -1))
        # From the last phase on: the latest complete checkpoint wins.
        checkpoint = next(filter(None, map(context.checkpoints.load, names)), None)
        if checkpoint is not None:
            record, [tensors] = checkpoint
            self.finished = tuple(record["phases"])
            layer_shapes = LayerShapes.from_json(record.get("reshaping", {}))
            if layer_shapes:
                # The network must have its new shapes before weights are loaded.
                network = partial(context.architecture.build_with_shapes, layer_shapes)
            self._learner = context.restore_state(
                tensors, settings, epoch=record["epoch"], network=network
            )
        context.events.advance(len(self.finished))
        # Finished phases are no work left, so the estimate must not count them.
        context.events.skip(epochs=sum(phase["epochs"] for phase in self.finished))

    @classmethod
    def of_dense(cls, context: MethodContext, defences: list[Params], *, count: int) -> Self:
        """Phases whose first one is given the uncompressed network, untrained."""
        settings = context.settings(defences)
        return cls(
            context,
            settings,
            count=count,
            start=lambda: context.new_state(context.create_network(), None, settings),
        )

    @property
    def state(self) -> TrainingState:
        """The one that the last phase has left behind."""
        # Lazily: a resumed run never needs the first state.
        if self._learner is None:
            self._learner = self._start()
        return self._learner

    def do(self, name: str, work: Work, *, epochs: int) -> None:
        """One phase.

        Args:
            name: what results call it.
            work: is left out where an earlier run has done it.
            epochs: passes over the members in it, of all that it trains.
        """
        self._passed += 1
        if self._passed <= len(self.finished):
            return
        state, facts = work(self.state)
        self._learner = state
        record = {"name": name, "epochs": epochs, "density": state.density, **facts}
        self.finished = (*self.finished, record)
        reshaping = state.network.layer_shapes.to_json()
        stage = {"phases": self.finished, "epoch": state.epoch, "reshaping": reshaping}
        # Saved before the older one is dropped, so that one complete checkpoint always exists.
        self._method_context.checkpoints.save(_name(self._passed), stage, [state.tensors()])
        self._method_context.checkpoints.drop(_name(self._passed - 1))
        self._method_context.events.advance()
        self._method_context.events.emit("phase_finished", **record)

    def outcome(self, *, model: Params | None = None, **facts: Any) -> MethodOutcome:
        """Return the method's outcome: the last training state, the phases and some facts."""
        return MethodOutcome(chosen=self.state, model=model, phases=self.finished, facts=facts)


def _name(number: int) -> str:
    return f"phase-{number}"
