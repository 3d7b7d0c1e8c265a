"""Attacks in results: a class for each game of core, and any measures for the games of plugins."""

import pytest
from pydantic import ValidationError

from safecompress_core.results.schema import (
    AttributeRecord,
    EvasionRecord,
    ExtractionRecord,
    InversionRecord,
    MembershipRecord,
    OtherGameRecord,
    parse_attack,
)
from tests.core.fixtures.records import attack_record

CLASSES = {
    "membership": MembershipRecord,
    "attribute": AttributeRecord,
    "evasion": EvasionRecord,
    "extraction": ExtractionRecord,
    "inversion": InversionRecord,
    "toy": OtherGameRecord,
}


@pytest.mark.parametrize("game", CLASSES)
def test_the_game_decides_the_class(game: str) -> None:
    """And reading what was written gives the same record."""
    record = attack_record(game, 0.2)

    assert type(record) is CLASSES[game]
    assert parse_attack(record.to_json()) == record


@pytest.mark.parametrize("game", list(CLASSES)[:-1])
def test_a_game_of_core_has_no_other_measures(game: str) -> None:
    """A misspelt key is an error."""
    with pytest.raises(ValidationError, match="Extra inputs"):
        attack_record(game, 0.2, acuracy=0.5)


def test_a_game_of_a_plugin_has_any_measures_and_facts() -> None:
    """Measures with an interval are read like those of core."""
    record = attack_record(
        "toy", 0.2, surprise=0.7, surprise_interval=[0.6, 0.8], budget=3, words=["a"]
    )

    assert set(record.estimates()) == {"advantage", "surprise"}
    assert record.estimate("surprise").interval == (0.6, 0.8)
    assert record.to_json()["budget"] == 3


def test_the_interval_of_a_measure_of_a_plugin_has_two_ends() -> None:
    """Readers rely on both ends."""
    with pytest.raises(ValidationError):
        attack_record("toy", 0.2, surprise=0.7, surprise_interval=[0.6])
