"""Names of the baselines without the model."""

from typing import Any

import pytest

from safecompress_core.api import GameDef
from safecompress_core.games.manifest import ATTRIBUTE, EVASION, MEMBERSHIP
from safecompress_core.games.measures.imputation import CATEGORICAL, NUMERIC
from safecompress_core.report.guesses import guess_name, guess_sentence, guesses
from safecompress_core.results.schema import AnyAttackRecord
from tests.core.fixtures.records import attack_record, typed


def test_every_rule_has_a_name() -> None:
    """Those of values and those of numbers, and no others."""
    assert set(ATTRIBUTE.rules) == {*CATEGORICAL.rules, *NUMERIC.rules}


@pytest.mark.parametrize(
    ("game", "attack", "sentence"),
    [
        (
            MEMBERSHIP,
            attack_record("membership", 0.2),
            "Without the model, tossing a coin over balanced pools is right with 0.500",
        ),
        (
            EVASION,
            attack_record("evasion", 0.2),
            "Without the model, random noise of the same size leaves a share of 0.500 wrong",
        ),
        (
            ATTRIBUTE,
            attack_record("attribute", 0.2, baseline=0.7441, baseline_rule="boosting"),
            "Without the model, gradient boosting on public features is right with 0.744",
        ),
        (
            ATTRIBUTE,
            attack_record("attribute", 0.2, baseline=0.2, baseline_mae=9.5951, mae_rule="ridge"),
            "Without the model, ridge regression on public features is off by 9.595 on average",
        ),
    ],
)
def test_a_sentence_says_how_good_the_guess_is(
    game: GameDef, attack: AnyAttackRecord, sentence: str
) -> None:
    """Of a numeric attribute it is the error that counts."""
    assert guess_sentence(game, attack) == sentence


def test_a_rule_that_another_version_wrote_keeps_its_name() -> None:
    """Any version may read results, so an unknown rule is shown as it is."""
    attack = attack_record("attribute", 0.2, baseline_rule="oracle")

    assert guess_name(ATTRIBUTE, attack) == "oracle"


def test_attacks_that_are_held_against_the_same_guess_are_named_together(
    results: dict[str, Any],
) -> None:
    """A coin is not worth a sentence; another attribute has another guess."""
    probe = {**results["audit"]["probe"], "baseline": 0.744, "baseline_rule": "boosting"}
    age = {**probe, "baseline_mae": 9.6, "mae_rule": "median"}
    results["audit"] |= {"probe": probe, "other": probe, "age": age}

    assert [one.text for one in guesses(typed(results))] == [
        "Best guess without the model, for probe and other: gradient boosting on public features "
        "(right with 0.744).",
        "Best guess without the model, for age: the median (off by 9.600 on average).",
    ]
