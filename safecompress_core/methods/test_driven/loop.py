"""Test-driven compression: derive candidates, attack each of them, carry on with the best.

::

    repeat rounds:   train ▸ derive candidates ▸ fine-tune each ▸ attack each ▸ choose

A round's epochs are split between training and fine-tuning, so that the final model has been
trained for exactly as many epochs as any other method's.

Source: Zhu, Wang & Han 2022, "Safety and Performance, Why Not Both?", ASE, Algorithm 1.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from safecompress_core.api import Params
from safecompress_core.choose.archive import Archive, ArchiveEntry
from safecompress_core.methods.architecture import Architecture
from safecompress_core.methods.manifest import TestDrivenParams
from safecompress_core.methods.method import Method, MethodContext, MethodOutcome, Recipe
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.methods.test_driven.candidates import (
    UNCHANGED,
    CandidateSpec,
    candidate_specs,
)
from safecompress_core.methods.test_driven.evaluator import Evaluation
from safecompress_core.methods.test_driven.round_selection import RoundSelection
from safecompress_core.methods.test_driven.state import (
    BeamModel,
    LoopState,
    resume_state,
    save_state,
)
from safecompress_core.networks.classifier import Classifier
from safecompress_core.problems import Problem
from safecompress_core.training.settings import Settings
from safecompress_core.training.trainer import TopologySchedule
from safecompress_core.training.training_state import TrainingState

__all__ = ["TestDriven"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A derived, fine-tuned and tested model."""

    id: str
    parent: str
    spec: CandidateSpec
    state: TrainingState
    evaluation: Evaluation


class TestDriven(Method):
    """SafeCompress's own method."""

    __test__ = False  # no test class, whatever its name makes pytest believe

    def __init__(self, params: TestDrivenParams) -> None:
        self._params = params
        self._candidate_specs = candidate_specs(params.strategies, keep=params.keep)
        rules = [(strategy.prune, strategy.grow) for strategy in params.strategies]
        self._training = SparseTraining(params, rules)

    def units(self) -> int:
        """Each round trains the carried models and tests what is derived from them."""
        return self._units(self._params.rounds)

    def _units(self, rounds: int) -> int:
        """A single model starts the first round; later ones carry as many as the beam holds."""
        every = self._params.timetable(epochs=0)  # how many models there are depends on no epoch
        return sum(round_.beam + round_.candidates for round_ in every[:rounds])

    def run(self, context: MethodContext) -> MethodOutcome:
        """All rounds, from the last one that a checkpoint holds."""
        topology_schedule = self._training.topology_schedule(context)
        settings = self._training.settings(context)
        state = resume_state(context, settings, rounds=self._params.rounds)
        if state is None:
            state = self._start(context, settings)
        context.events.advance(self._units(len(state.rounds)))
        # Finished rounds are no work left, so the estimate of the time must not count them.
        self._skip(context, state)
        for number in range(len(state.rounds), self._params.rounds):
            state = self._round(context, topology_schedule, state, number)
            save_state(context, state)
        # The beam is sorted by the aggregator's preference, so its first model is the result.
        best = state.beam[0]
        return MethodOutcome(
            chosen=best.state,
            chosen_id=best.id,
            rounds=state.rounds,
            archive=state.archive,
            facts=self._training.facts(context, best.state),
        )

    def _skip(self, context: MethodContext, state: LoopState) -> None:
        """Take off what an earlier attempt has trained and attacked."""
        every = self._params.timetable(context.recipe.epochs)[: len(state.rounds)]
        tested = [candidate for round_ in state.rounds for candidate in round_["candidates"]]
        context.events.skip(
            epochs=sum(round_.epochs for round_ in every),
            attacks=sum(len(candidate["attacks"]) for candidate in tested),
        )

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Each round needs an epoch, and each layer a weight."""
        rounds = self._params.rounds
        left = recipe.epochs - self._params.epochs_before_tests(recipe.epochs)
        if rounds > left:
            message = f"{rounds} rounds do not fit into the {left} training.epochs that are theirs"
            hint = f"write at most {left}" if left else "lower method.tests_from"
            yield Problem(path=("rounds",), message=message, hint=hint)
        yield from self._training.check(network, create)

    def _start(self, context: MethodContext, settings: Settings) -> LoopState:
        state = self._training.create_state(context, settings)
        # A candidate that cannot branch shall fail now, not after a round.
        for candidate_spec in self._candidate_specs:
            changed = candidate_spec.settings(settings)
            if candidate_spec.changes and changed is not None:
                state.branch(changed)
        first = BeamModel(id="initial", state=state)
        archive = Archive(weights=tuple(context.evaluator.weights.tolist()))
        return LoopState(beam=(first,), rounds=(), archive=archive)

    def _round(
        self,
        context: MethodContext,
        topology_schedule: TopologySchedule,
        state: LoopState,
        number: int,
    ) -> LoopState:
        candidates: list[Candidate] = []
        for beam_model in state.beam:
            candidates += self._derive_candidates(
                context, topology_schedule, beam_model, number, len(candidates)
            )
        # Candidates of all carried models compete in one selection.
        selection = RoundSelection(
            [candidate.evaluation for candidate in candidates],
            context.evaluator,
            context.aggregator,
            self._params,
        )
        chosen = selection.winners()
        # Before the record: a killed run must find the files of every archived model.
        archive = self._update_archive(context, state.archive, candidates, selection)
        record = {
            "round": number + 1,
            "epochs": candidates[0].state.epoch,
            "candidates": [
                {
                    "id": candidate.id,
                    "parent": candidate.parent,
                    "strategy": candidate.spec.name,
                    "settings": candidate.state.settings.to_json(),
                    "density": candidate.state.density,
                    "defences": candidate.state.facts(),
                    "attacks": candidate.evaluation.to_json(),
                    **selection.verdict_on(index),
                    "chosen": index in chosen,
                }
                for index, candidate in enumerate(candidates)
            ],
            "spread": selection.spread(),
        }
        front = [entry.id for entry in archive.entries]
        context.events.emit("round_finished", **record, front=front)
        beam = tuple(
            BeamModel(id=candidates[index].id, state=candidates[index].state) for index in chosen
        )
        return LoopState(beam=beam, rounds=(*state.rounds, record), archive=archive)

    def _derive_candidates(
        self,
        context: MethodContext,
        topology_schedule: TopologySchedule,
        beam_model: BeamModel,
        number: int,
        first: int,
    ) -> list[Candidate]:
        """Train one carried model, then derive, fine-tune and test its candidates."""
        times = self._params.timetable(context.recipe.epochs)[number]
        middle, end = times.middle, times.end
        where = f"round {number + 1}"
        unit = str(number)  # the same for all carried models: their candidates are compared
        context.trainer.train(
            beam_model.state,
            until=middle,
            topology_schedule=topology_schedule,
            what=f"{beam_model.id} in {where}",
        )
        context.events.advance()
        # Attackers are fitted on the parent once; per candidate they only adapt, which costs a
        # tenth.
        fitted_attackers = context.evaluator.fit_attackers(beam_model.state.shipped, unit=unit)
        candidates: list[Candidate] = []
        for candidate_spec, settings in self._feasible(context, beam_model.state.settings, number):
            name = f"r{number + 1}c{first + len(candidates) + 1}"
            state = beam_model.state.branch(settings)
            if candidate_spec.rule is not None:
                context.trainer.evolve(state, topology_schedule, rule=candidate_spec.rule)
            what = f"candidate {name} ({candidate_spec.name}) in {where}"
            context.trainer.train(
                state, until=end, topology_schedule=topology_schedule, what=what, is_derived=True
            )
            facts = {"round": number + 1, "candidate": name, "strategy": candidate_spec.name}
            evaluation = context.evaluator.evaluate(
                state.shipped, fitted_attackers, unit=unit, facts=facts
            )
            context.events.advance()
            context.events.emit(
                "candidate_tested", **facts, performance=float(evaluation.performance.mean())
            )
            candidates.append(
                Candidate(
                    id=name,
                    parent=beam_model.id,
                    spec=candidate_spec,
                    state=state,
                    evaluation=evaluation,
                )
            )
        return candidates

    def _feasible(
        self, context: MethodContext, parent: Settings, number: int
    ) -> list[tuple[CandidateSpec, Settings]]:
        """Return the candidates that a model admits; the model itself if all limits are reached."""
        feasible: list[tuple[CandidateSpec, Settings]] = []
        for candidate_spec in self._candidate_specs:
            settings = candidate_spec.settings(parent)
            if settings is not None:
                feasible.append((candidate_spec, settings))
                continue
            context.events.advance()
            context.events.emit(
                "candidate_left_out", round=number + 1, strategy=candidate_spec.name
            )
        # Without any admissible candidate the lineage still trains on, or its epochs would be lost.
        return feasible or [(UNCHANGED, parent)]

    def _update_archive(
        self,
        context: MethodContext,
        archive: Archive,
        candidates: Sequence[Candidate],
        selection: RoundSelection,
    ) -> Archive:
        """The archive with this round's candidates, whose files are written at once."""
        entries = [
            ArchiveEntry(
                candidate.id,
                float(selection.objectives.performance[index]),
                tuple(selection.objectives.advantage[index].tolist()),
            )
            for index, candidate in enumerate(candidates)
        ]
        after = archive.add(*entries)
        stays = {entry.id for entry in after.entries}
        for candidate in candidates:
            if candidate.id in stays:
                context.store(candidate.state, context.archive_path(candidate.id))
        return after
