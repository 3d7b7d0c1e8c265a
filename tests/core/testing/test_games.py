"""The conformance of games: what is right passes, and each mistake is found by one check."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from safecompress_core.api import Baseline, GameDef, Measure
from safecompress_core.games.attack_result import GameResult
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.testing import GameConformance

PAIRS = replace(MEMBERSHIP, name="membership-of-pairs")
IS_MEMBER = np.arange(40) % 2 == 0
SCORES = IS_MEMBER + np.linspace(-0.6, 0.6, 40)


def checks_that_fail(definition: GameDef) -> list[str]:
    """Names of the checks of a game that its definition does not pass."""

    class Conformance(GameConformance):
        def example(self, game: Any) -> GameResult:
            found: GameResult = game.measure(SCORES, IS_MEMBER, known=(SCORES, IS_MEMBER))
            return replace(found, game=definition.name)

    Conformance.definition = definition
    failing = []
    for name in vars(GameConformance):
        if name.startswith("test_"):
            try:
                getattr(Conformance(), name)()
            except (AssertionError, LookupError, pytest.skip.Exception):
                failing.append(name)
    return failing


def with_accuracy(**changes: Any) -> GameDef:
    """The game with another range of its first measure."""
    first, *others = PAIRS.measures
    return replace(PAIRS, measures=(replace(first, **changes), *others))


def test_a_sound_game_passes_every_check() -> None:
    """Nothing is skipped, since it is not one of SafeCompress's own."""
    assert checks_that_fail(PAIRS) == []


@pytest.mark.parametrize(
    ("definition", "check"),
    [
        (
            replace(PAIRS, measures=(*PAIRS.measures, Measure(name="auc"))),
            "test_its_measures_have_names_of_their_own",
        ),
        (
            replace(PAIRS, measures=(Measure(name="accuracy"),)),
            "test_its_measures_have_names_of_their_own",
        ),
        (
            with_accuracy(highest=0.5),
            "test_each_measure_is_a_number_with_an_interval_in_its_range",
        ),
        (
            with_accuracy(name="precision"),
            "test_each_measure_is_a_number_with_an_interval_in_its_range",
        ),
        (
            replace(PAIRS, baselines=(Baseline(guess="{nobody}", achieves="knows"),)),
            "test_one_of_its_baselines_can_be_reported",
        ),
    ],
)
def test_a_mistake_is_found_by_the_check_of_its_name(definition: GameDef, check: str) -> None:
    """And by no other, so that its name says what to correct."""
    assert checks_that_fail(definition) == [check]
