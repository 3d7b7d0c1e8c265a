"""Conformance tests of aggregators."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import ClassVar

import numpy as np

from safecompress_core.api import AggregatorDef
from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.testing.manifest import DefinitionConformance

__all__ = ["AggregatorConformance"]

ATTACKERS, GAMES = ("first", "second"), ("membership", "attribute")
SHAPES = ((1, 0), (1, 2), (2, 1), (5, 0), (5, 2), (8, 2))
"""Numbers of candidates and of attacks."""
DIGITS = 9


class AggregatorConformance(DefinitionConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestDifference(AggregatorConformance):
            definition = DIFFERENCE

    Attributes:
        definition: the aggregator's definition.
        params: what a spec would write for it.
        attackers: ids of two attackers, for parameters that name them.
        games: the games of these.
    """

    definition: ClassVar[AggregatorDef]
    attackers: ClassVar[tuple[str, str]] = ATTACKERS
    games: ClassVar[tuple[str, str]] = GAMES

    def aggregator(self) -> Aggregator:
        """Return a new aggregator with the parameters."""
        module, _, name = self.definition.target.partition(":")
        params = self.definition.params.model_validate(dict(self.params))
        built: Aggregator = getattr(import_module(module), name)(params)
        return built

    def examples(self) -> Iterator[Objectives]:
        """Yield objectives on a grid, so that ties and dominated candidates are among them."""
        generator = np.random.default_rng(0)
        for candidates, attacks in SHAPES:
            performance = generator.integers(1, 20, candidates) / 20
            advantage = generator.integers(0, 20, (candidates, attacks)) / 20
            if candidates > 1 and attacks:
                # As good at the task as the first one, and less safe.
                performance[-1], advantage[-1] = performance[0], advantage[0] + 0.05
            yield Objectives(
                performance=performance,
                advantage=advantage,
                attack_accuracy=(1 + advantage) / 2,
                weights=np.array([1.0, 0.5])[:attacks],
                attackers=self.attackers[:attacks],
                games=self.games[:attacks],
            )

    def test_it_is_an_aggregator(self) -> None:
        """A run asks it for utilities."""
        assert isinstance(self.aggregator(), Aggregator)

    def test_it_gives_each_candidate_a_finite_number(self) -> None:
        """Also without an attack, and to a candidate without company."""
        for objectives in self.examples():
            utilities = self.aggregator().utilities(objectives)

            assert utilities.shape == (len(objectives),)
            assert np.isfinite(utilities).all()

    def test_the_same_objectives_give_the_same_numbers(self) -> None:
        """A run that is repeated or resumed chooses the same model."""
        aggregator = self.aggregator()
        for objectives in self.examples():
            once, again = (asked.utilities(objectives) for asked in (aggregator, self.aggregator()))

            assert (once == again).all()
            assert (once == aggregator.utilities(objectives)).all()

    def test_a_dominated_candidate_ranks_below(self) -> None:
        """A candidate that is beaten in everything has less utility and wins no draw."""
        aggregator = self.aggregator()
        for objectives in self.examples():
            utilities, shares = aggregator.utilities(objectives), aggregator.win_shares(objectives)
            losses = np.column_stack((-objectives.performance, objectives.advantage))
            for loser, loss in enumerate(losses):
                better = (losses <= loss).all(axis=1) & (losses < loss).any(axis=1)
                assert (utilities[better] > utilities[loser]).all()
                assert shares is None or not better.any() or shares[loser] == 0

    def test_the_order_of_candidates_does_not_matter(self) -> None:
        """Reversed candidates have their utilities and win shares reversed."""
        aggregator = self.aggregator()
        for objectives in self.examples():
            backwards = replace(
                objectives,
                performance=objectives.performance[::-1],
                advantage=objectives.advantage[::-1],
                attack_accuracy=objectives.attack_accuracy[::-1],
            )

            for ask in (aggregator.utilities, aggregator.win_shares):
                forth, back = ask(objectives), ask(backwards)
                assert (forth is None) == (back is None)
                if forth is not None and back is not None:
                    np.testing.assert_allclose(back, forth[::-1], atol=10**-DIGITS)

    def test_an_attack_of_weight_0_does_not_decide(self) -> None:
        """It is reported only: whatever its figures, the order of candidates is the same."""
        aggregator = self.aggregator()
        for objectives in self.examples():
            if len(objectives.weights) < 2:
                continue
            watched = replace(objectives, weights=np.array([1.0, 0.0]))
            advantage = watched.advantage.copy()
            advantage[:, 1] = advantage[::-1, 1]
            changed = replace(watched, advantage=advantage, attack_accuracy=(1 + advantage) / 2)
            # Rounded, since utilities that are equal may differ in their last digit.
            orders = [
                np.argsort(-aggregator.utilities(asked).round(DIGITS), kind="stable").tolist()
                for asked in (watched, changed)
            ]
            assert orders[0] == orders[1]

    def test_its_win_shares_sum_to_1(self) -> None:
        """One share a candidate, or none at all for a rule without draws."""
        aggregator = self.aggregator()
        for objectives in self.examples():
            shares = aggregator.win_shares(objectives)
            if shares is not None:
                assert shares.shape == (len(objectives),)
                assert (shares >= 0).all()
                assert np.isclose(shares.sum(), 1)
                assert (shares == aggregator.win_shares(objectives)).all()
