"""Names and parameters of the methods that core ships."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import (
    Kind,
    MethodDef,
    MethodParams,
    Params,
    Role,
    Slot,
    SparseTrainingParams,
    Workload,
)
from safecompress_core.methods.test_driven.rounds import Round, rounds_of
from safecompress_core.specfile.models.changes import Changes, expand

__all__ = ["DEFINITIONS", "StrategyParams", "TestDrivenParams", "UncompressedParams"]

Share = Annotated[float, Field(gt=0, lt=1)]


class StrategyParams(Params):
    """One way to derive candidates: a topology update and, if wanted, a change of training."""

    prune: Annotated[Params, Slot(Kind.STRATEGY, Role.PRUNE)]
    """Which active weights make room."""
    grow: Annotated[Params, Slot(Kind.STRATEGY, Role.GROW)]
    """Which inactive positions take their place."""
    set: Changes = {}
    """Changes of training: ``learning_rate``, ``update_fraction`` or ``<defence id>.<parameter>``
    to a number, to ``{factor: number}`` of where the parent stands, or to a list of either; each
    combination of the lists is a candidate."""


class TestDrivenParams(SparseTrainingParams):
    """SafeCompress: derive candidates, attack each of them, carry on with the best."""

    rounds: Annotated[int, Field(ge=1, le=1000)] = 8
    """How often candidates are derived and tested; the epochs from ``tests_from`` on are spread
    over them."""
    tests_from: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of ``training.epochs`` in which the first model only trains, before there are rounds:
    a model leaks late in training."""
    finetune: Share = 0.4
    """Share of a round's epochs in which each candidate is trained by itself."""
    update_every: Annotated[int, Field(ge=0)] = 5
    """Epochs between topology updates while a model trains; 0: only where candidates are made."""
    strategies: Annotated[list[StrategyParams], Field(min_length=1, max_length=100)]
    """The candidates of every round."""
    keep: bool = True
    """Whether the model as it is, trained on without a change, is a candidate too."""
    beam: Annotated[int, Field(ge=1, le=100)] = 1
    """How many models are carried from round to round, each with its own settings."""
    bound: Literal["careful", "estimate"] = "careful"
    """Whether an attack counts with the upper end of its interval or with its estimate."""
    confidence: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """How sure a difference must be before the run leaves what it has; 0: any will do."""

    def epochs_before_tests(self, epochs: int) -> int:
        """Return the number of epochs before the first round."""
        return round(self.tests_from * epochs)

    def timetable(self, epochs: int) -> tuple[Round, ...]:
        """Return the work of each round of a training of ``epochs`` epochs."""
        return rounds_of(
            epochs=epochs,
            before=self.epochs_before_tests(epochs),
            rounds=self.rounds,
            finetune=self.finetune,
            # ``keep`` is a bool, which counts as one more candidate.
            proposals=self.keep + sum(len(expand(strategy.set)) for strategy in self.strategies),
            beam=self.beam,
        )


class UncompressedParams(MethodParams):
    """The model as it would be without compression."""


def _test_driven(params: TestDrivenParams, epochs: int) -> Workload:
    rounds = params.timetable(epochs)
    return Workload(
        epochs=sum(round_.epochs for round_ in rounds),
        fits=sum(round_.beam for round_ in rounds),
        tests=sum(round_.candidates for round_ in rounds),
        candidates=tuple(round_.candidates for round_ in rounds),
    )


DEFINITIONS = (
    MethodDef(
        name="test-driven",
        params=TestDrivenParams,
        target="safecompress_core.methods.test_driven.loop:TestDriven",
        summary="Sparse training that attacks every candidate topology and keeps the best.",
        cites="Zhu, Wang & Han, ASE 2022, Algorithm 1; TSE 2024",
        workload=_test_driven,
    ),
    MethodDef(
        name="uncompressed",
        params=UncompressedParams,
        target="safecompress_core.methods.uncompressed:Uncompressed",
        summary="Dense training, to see what a defence does without compression.",
        workload=lambda _, epochs: Workload(epochs=epochs),
    ),
)
