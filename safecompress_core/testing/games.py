"""Conformance tests of games."""

import json
from collections.abc import Mapping
from importlib import import_module
from string import Formatter
from typing import Any, ClassVar

import pytest

from safecompress_core.api import ADVANTAGE, GameDef
from safecompress_core.attacks.adversary import Adversary
from safecompress_core.games.attack_result import GameResult
from safecompress_core.games.game import Game
from safecompress_core.games.records import game_in, record_games
from safecompress_core.testing.manifest import DefinitionConformance

__all__ = ["GameConformance"]


class GameConformance(DefinitionConformance):
    """Subclass it, name your definition, measure made-up answers, and pytest runs the checks.

    ::

        class TestPairs(GameConformance):
            definition = PAIRS

            def example(self, game):
                return game.measure(torch.arange(8) < 6, torch.ones(8, dtype=torch.bool))

    Attributes:
        definition: the game's definition.
    """

    definition: ClassVar[GameDef]

    def game(self) -> Game:
        """The game, built from its definition."""
        module, _, name = self.definition.target.partition(":")
        built: Game = getattr(import_module(module), name)(self.definition)
        return built

    def example(self, game: Game) -> GameResult:
        """Return the measurement of synthetic answers, with every measure that a gate may name."""
        raise NotImplementedError

    def document(self) -> Mapping[str, Any]:
        """The example as results hold it."""
        # Through JSON, as readers of results see it: tuples become lists.
        document: dict[str, Any] = json.loads(json.dumps(self.example(self.game()).to_json()))
        return document

    def test_its_implementation_is_a_game_with_an_adversary(self) -> None:
        """A run asks it for both."""
        game = self.game()

        assert isinstance(game, Game)
        assert game.definition is self.definition
        assert issubclass(game.adversary, Adversary)

    def test_its_measures_have_names_of_their_own(self) -> None:
        """And one of them is the advantage, by which all games are compared."""
        names = [measure.name for measure in self.definition.measures]

        assert sorted(set(names)) == sorted(names)
        assert ADVANTAGE in names

    def test_its_results_are_json_and_name_the_game(self) -> None:
        """Strict JSON: no NaN and no infinity."""
        document = self.example(self.game()).to_json()

        # ``allow_nan=False``: NaN is not JSON, and other readers refuse the file.
        json.dumps(document, allow_nan=False)
        assert document["game"] == self.definition.name

    def test_each_measure_is_a_number_with_an_interval_in_its_range(self) -> None:
        """Those that a gate may name are there, but for those of numeric attributes and of details.

        Details are measured where an audit asks for them; tables do not show them.
        """
        document = self.document()
        for measure in self.definition.measures:
            value = document.get(measure.name)
            if value is None:
                # Optional measures may be missing, but never one that a gate could name.
                is_optional = measure.is_numeric or not measure.has_gates or not measure.is_shown
                assert is_optional, f"{measure.name} is missing"
                continue
            # An estimate outside its own interval is an error of the measure.
            low, high = document[f"{measure.name}_interval"]
            assert low <= value <= high, f"{measure.name} lies outside of its interval"
            assert measure.lowest <= value <= measure.highest, f"{measure.name} is out of range"
            assert not measure.guess or measure.guess in document

    def test_one_of_its_baselines_can_be_reported(self) -> None:
        """The keys that its templates name are in results."""
        document = self.document()
        reportable = [
            # A template's fields are keys of results; a missing one would break the report.
            all(key in document for _, key, _, _ in Formatter().parse(template) if key)
            for baseline in self.definition.baselines
            for template in (f"{baseline.guess} {baseline.achieves}",)
        ]

        assert any(reportable)

    def test_a_report_can_be_written_without_it(self) -> None:
        """Write a report from the results alone, without the game's plugin."""
        records = {
            # Through JSON, since reports read files.
            name: json.loads(record.model_dump_json())
            for name, record in record_games([self.definition]).items()
        }
        if not records:
            pytest.skip("it is one of SafeCompress's own")

        known = game_in(records, self.definition.name)

        for name in ("question", "advantage", "baselines", "inverted_by", "is_leakage"):
            assert getattr(known, name) == getattr(self.definition, name)
        # Titles, since ranges are not recorded.
        titles = [measure.title for measure in self.definition.measures]
        assert [measure.title for measure in known.measures] == titles
