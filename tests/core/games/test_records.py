"""Games of plugins in results."""

import json
from dataclasses import replace

from safecompress_core.games.manifest import DEFINITIONS, MEMBERSHIP
from safecompress_core.games.records import game_in, record_games

PAIRS = replace(
    MEMBERSHIP, name="pairs", target="acme.pairs:PairGame", question="Which of two was a member?"
)


def test_a_game_of_a_plugin_comes_back_from_json() -> None:
    """With all that a reader of results needs, and no code."""
    records = json.loads(
        json.dumps(
            {name: one.model_dump(mode="json") for name, one in record_games([PAIRS]).items()}
        )
    )

    found = game_in(records, "pairs")

    assert found.name == "pairs"
    assert found.target == ""
    assert found.question == "Which of two was a member?"
    assert found.baselines == PAIRS.baselines
    assert [one.title for one in found.measures] == [one.title for one in PAIRS.measures]


def test_the_own_games_are_known_without() -> None:
    """Results with built-in games only have no game records."""
    assert record_games(DEFINITIONS) == {}
    assert game_in(None, "membership") is MEMBERSHIP


def test_a_plugin_that_changes_an_own_game_is_recorded() -> None:
    """Its results are not those of the game that readers know."""
    changed = replace(MEMBERSHIP, question="Another?")

    records = record_games([changed])

    assert game_in({"membership": records["membership"]}, "membership").question == "Another?"
