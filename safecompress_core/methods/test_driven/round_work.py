"""Work of one round: train its lineages, derive candidates where few are left, test, choose."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from safecompress_core.choose.archive import Archive, ArchiveEntry
from safecompress_core.methods.lineages.evaluator import Evaluation
from safecompress_core.methods.lineages.lineage_training import (
    Lineage,
    LineageTraining,
    TestedPair,
)
from safecompress_core.methods.lineages.model_figures import ModelFigures
from safecompress_core.methods.lineages.round_selection import RoundSelection
from safecompress_core.methods.test_driven.candidates import UNCHANGED, CandidateSpec
from safecompress_core.methods.test_driven.lineage_parts import train_and_test_elsewhere
from safecompress_core.methods.test_driven.params import TestDrivenParams
from safecompress_core.methods.test_driven.rounds import Round
from safecompress_core.methods.test_driven.state import LoopState
from safecompress_core.methods.test_driven.tested_models import TestedModel
from safecompress_core.sparse.thinning import is_reachable
from safecompress_core.training.settings import Settings
from safecompress_core.training.training_state import TrainingState

__all__ = ["RoundWork"]

FEW = 3
"""Lineages up to which a race spends attackers that train a network."""


class RoundWork:
    """One round of the test-driven loop.

    Args:
        params: of the method.
        candidate_specs: the candidates of a model; the first is the reference of the others.
        training: starts, trains and branches lineages.
        state: after the rounds before.
    """

    def __init__(
        self,
        params: TestDrivenParams,
        candidate_specs: Sequence[CandidateSpec],
        training: LineageTraining,
        state: LoopState,
    ) -> None:
        self._params = params
        self._candidate_specs = candidate_specs
        self._training = training
        self._context = training.context
        self._state = state
        self._index = len(state.rounds)
        self._times: Round = params.timetable(self._context.recipe.epochs)[self._index]

    @property
    def _number(self) -> int:
        return self._index + 1

    @property
    def _unit(self) -> str:
        """Return the name of the draws of attackers, one for all models that are compared."""
        return str(self._index)

    def run(self) -> LoopState:
        """Return the state after the round."""
        self._pass_over_missing()
        tested = self._test_all()
        # Everything that was tested competes in one selection.
        selection = RoundSelection(
            [model.figures for model in tested],
            self._context.evaluator,
            self._context.aggregator,
            confidence=self._params.confidence,
            keeps=self._times.keeps,
            # A derived candidate has to beat the model it comes from; lineages are equals.
            has_incumbent=self._times.derives and len(self._state.lineages) == 1,
            keeps_variety=self._params.beam > 1,
            costs=[model.lineage.state.density for model in tested],
        )
        # Before the record: a killed run must find the files of every archived model.
        archive = self._update_archive(tested, selection)
        record = self._record(tested, selection)
        front = [entry.id for entry in archive.entries]
        self._context.events.emit("round_finished", **record, front=front)
        return LoopState(
            lineages=tuple(tested[index].lineage for index in selection.winners),
            rounds=(*self._state.rounds, record),
            archive=archive,
        )

    def _test_all(self) -> list[TestedModel]:
        """Return the tested models of the round, those of one lineage after another."""
        lineages, do_parts = self._state.lineages, self._context.do_parts
        # A single lineage has nothing to be done at the same time.
        if do_parts is not None and len(lineages) > 1 and not self._times.derives:
            return train_and_test_elsewhere(
                self._training, lineages, self._times, number=self._number, do_parts=do_parts
            )
        tested: list[TestedModel] = []
        for lineage in lineages:
            tested += (
                self._derive(lineage, len(tested) + 1)
                if self._times.derives
                else [self.test_lineage(lineage, len(tested) + 1)]
            )
        return tested

    def _pass_over_missing(self) -> None:
        """Count the work of planned lineages that left early as done."""
        times = self._times
        missing = times.lineages - len(self._state.lineages)
        candidates = missing * times.candidates // times.lineages
        self._context.events.advance(missing + candidates)
        self._context.events.skip(
            epochs=times.epochs_of(missing, candidates) * self._training.models,
            attacks=(candidates or missing) * len(self._context.evaluator.attacks),
        )

    def test_lineage(self, lineage: Lineage, position: int) -> TestedModel:
        """Train a lineage through the round, and test it as it is.

        Args:
            lineage: of the round.
            position: among all of the round, from 1.
        """
        name = f"r{self._number}c{position}"
        what = f"lineage {lineage.number} ({lineage.name}) in round {self._number}"
        self._training.train(lineage, until=self._times.end, what=what)
        trained = replace(lineage, id=name)
        pair = self._training.as_tested(trained)
        evaluation = self._context.evaluator.fit_and_evaluate(
            pair.network,
            unit=self._unit,
            facts=self._facts(trained, lineage.name),
            twin=pair.twin,
            spared=self._spared(),
        )
        return self._tested(trained, pair, evaluation, parent=lineage.id, strategy=lineage.name)

    def _derive(self, lineage: Lineage, first: int) -> Iterator[TestedModel]:
        """Train a lineage, then derive, fine-tune and test its candidates."""
        times, where = self._times, f"round {self._number}"
        self._training.train(lineage, until=times.middle, what=f"{lineage.id} in {where}")
        self._context.events.advance()
        # Attackers are fitted on the parent once; per candidate they only adapt, which costs a
        # tenth.
        parent = self._training.as_tested(lineage)
        fitted = self._context.evaluator.fit_attackers(
            parent.network,
            unit=self._unit,
            twin=parent.twin,
            spared=self._spared(),
        )
        feasible = self._feasible(lineage.state)
        for number, (candidate_spec, settings) in enumerate(feasible, first):
            name = f"r{self._number}c{number}"
            candidate = self._training.branch(
                lineage, settings, model=name, rule=candidate_spec.rule
            )
            what = f"candidate {name} ({candidate_spec.name}) in {where}"
            self._training.train(candidate, until=times.end, what=what, is_derived=True)
            pair = self._training.as_tested(candidate)
            evaluation = self._context.evaluator.evaluate(
                pair.network,
                fitted,
                unit=self._unit,
                facts=self._facts(candidate, candidate_spec.name),
                twin=pair.twin,
            )
            yield self._tested(
                candidate, pair, evaluation, parent=lineage.id, strategy=candidate_spec.name
            )

    def _facts(self, model: Lineage, strategy: str) -> dict[str, Any]:
        """Return what events say of a tested model."""
        return {"round": self._number, "candidate": model.id, "strategy": strategy}

    def _tested(
        self,
        model: Lineage,
        pair: TestedPair,
        evaluation: Evaluation,
        *,
        parent: str,
        strategy: str,
    ) -> TestedModel:
        """Count and report a test."""
        self._context.events.advance()
        self._context.events.emit(
            "candidate_tested",
            **self._facts(model, strategy),
            performance=float(evaluation.performance.mean()),
        )
        return TestedModel(
            lineage=model,
            parent=parent,
            strategy=strategy,
            pair=pair,
            attacks=evaluation.to_json(),
            figures=ModelFigures.of(
                evaluation,
                self._context.evaluator,
                self._params,
                costs=self._training.costs.of(pair.state),
            ),
        )

    def _spared(self) -> frozenset[str]:
        """Return the trained attacks that this round of a race does without.

        They are spent on the last rounds, and not on the round after one in which untrained
        attacks outdid them on every model.
        """
        trained = self._context.evaluator.trained_attacks
        if self._params.widths[0] == 1:
            return frozenset()
        if self._times.lineages > FEW:
            return trained
        last = self._state.rounds[-1]["candidates"] if self._state.rounds else []
        records = {name: [model["attacks"][name] for model in last] for name in trained}
        return frozenset(
            name
            for name, attacks in records.items()
            # An attack that was spared has no advantage of its own.
            if attacks and all(attack["own_advantage"] is not None for attack in attacks)
        )

    def _feasible(self, parent: TrainingState) -> list[tuple[CandidateSpec, Settings]]:
        """Return the candidates that a model admits; the model itself if all limits are reached."""
        feasible: list[tuple[CandidateSpec, Settings]] = []
        for candidate_spec in self._candidate_specs:
            settings = candidate_spec.settings(parent.settings)
            if settings is not None and _is_reachable(parent, settings):
                feasible.append((candidate_spec, settings))
                continue
            self._context.events.advance()
            self._context.events.emit(
                "candidate_left_out", round=self._number, strategy=candidate_spec.name
            )
        # Without any admissible candidate the lineage still trains on, or its epochs would be lost.
        return feasible or [(UNCHANGED, parent.settings)]

    def _record(self, tested: Sequence[TestedModel], selection: RoundSelection) -> dict[str, Any]:
        """Return what results say of the round, JSON-ready."""
        candidates = len(tested) if self._times.derives else 0
        epochs = self._times.epochs_of(len(self._state.lineages), candidates)
        return {
            "round": self._number,
            "epochs": tested[0].lineage.state.epoch,
            "lineages": len(self._state.lineages),
            "trainings": epochs * self._training.models / self._context.recipe.epochs,
            "candidates": [
                {
                    "id": model.lineage.id,
                    "lineage": model.lineage.number,
                    "parent": model.parent,
                    "strategy": model.strategy,
                    "start": model.lineage.start,
                    "settings": model.lineage.state.settings.to_json(),
                    "density": model.lineage.state.density,
                    "defences": model.lineage.state.facts(),
                    "attacks": model.attacks,
                    **selection.verdict_on(index),
                    "chosen": index in selection.winners,
                    "left": selection.departure(index, [other.lineage.id for other in tested]),
                }
                for index, model in enumerate(tested)
            ],
            "spread": selection.spread(),
        }

    def _update_archive(self, tested: Sequence[TestedModel], selection: RoundSelection) -> Archive:
        """Return the archive with this round's models, whose files are written at once."""
        entries = [
            ArchiveEntry(
                model.lineage.id,
                float(selection.objectives.performance[index]),
                tuple(selection.objectives.advantage[index].tolist()),
                tuple(selection.objectives.attack_accuracy[index].tolist()),
                {name: float(cost[index]) for name, cost in selection.objectives.costs.items()},
            )
            for index, model in enumerate(tested)
        ]
        after = self._state.archive.add(*entries)
        stays = {entry.id for entry in after.entries}
        for model in tested:
            if model.lineage.id in stays:
                # As it would ship, if it were picked.
                tested_pair = model.pair or self._training.as_tested(model.lineage)
                finished = self._training.finish(tested_pair)
                self._context.store(finished, self._context.archive_path(model.lineage.id))
        return after


def _is_reachable(state: TrainingState, settings: Settings) -> bool:
    """Return whether each layer keeps a weight at the density of the settings."""
    assert state.topology is not None  # it is sparse
    return is_reachable(state.topology, settings.density)
