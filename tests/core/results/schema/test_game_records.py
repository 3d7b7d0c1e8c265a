"""Games of plugins in results."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from safecompress_core.games.manifest import EVASION
from safecompress_core.games.records import record_games
from safecompress_core.results.schema import GameRecord

RECORD = record_games([replace(EVASION, name="toy")])["toy"]


def test_a_record_has_all_that_a_table_needs() -> None:
    """Of each measure its title, its direction and whether a gate may name it."""
    assert [measure.name for measure in RECORD.measures] == [one.name for one in EVASION.measures]
    assert {measure.higher for measure in RECORD.measures} <= {"riskier", "safer"}
    assert RECORD.counts == EVASION.counts


@pytest.mark.parametrize(
    "change", [{"counts": "people"}, {"is_leakage": "perhaps"}, {"target": "acme:Toy"}]
)
def test_what_readers_do_not_know_is_refused(change: dict[str, object]) -> None:
    """An unknown word, or a class that cannot be imported."""
    content = RECORD.to_json()
    assert GameRecord.model_validate(content) == RECORD

    with pytest.raises(ValidationError, match=next(iter(change))):
        GameRecord.model_validate(content | change)
