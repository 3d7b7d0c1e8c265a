"""Rounds, candidates and the archive in results."""

import pytest
from pydantic import ValidationError

from safecompress_core.results.schema import GapRecord, RoundRecord, SelectionRecord
from tests.core.fixtures.records import (
    archive_record,
    attack_record,
    candidate_record,
    estimate,
    noise_record,
    round_record,
)


def test_a_round_is_the_same_when_it_is_read_again() -> None:
    """With its candidates, their attacks, and the separability of objectives."""
    record = round_record(
        2,
        candidate_record("r2c1", attacks={"loss": attack_record("membership", 0.2)}, chosen=True),
        candidate_record("r2c2"),
        spread={"performance": noise_record(0.05, tells_apart=True)},
    )

    again = RoundRecord.model_validate_json(record.model_dump_json(exclude_unset=True))

    assert again == record
    assert [one.id for one in again.candidates if one.chosen] == ["r2c1"]


@pytest.mark.parametrize(
    ("audit", "metrics", "is_audited"),
    [({}, {"accuracy": estimate(0.7)}, True), ({}, None, False), (None, {}, False)],
)
def test_a_model_of_the_archive_is_audited_if_it_has_both_parts(
    audit: object, metrics: object, *, is_audited: bool
) -> None:
    """An audit without attacks is one, too."""
    record = archive_record("r1c1", {"performance": 0.7}, audit=audit, metrics=metrics)

    assert (record.audited is not None) == is_audited
    if record.audited is not None:
        assert record.audited.metrics == metrics


def test_a_model_that_was_not_audited_has_no_keys_of_an_audit() -> None:
    """Rather than two nulls."""
    written = archive_record("r1c1", {"performance": 0.7}).to_json()

    assert not {"audit", "metrics"} & set(written)


def test_a_gap_says_which_way_selection_was_wrong() -> None:
    """In one of three words."""
    side = {"attacker": "loss", "advantage": 0.2, "advantage_interval": (0.1, 0.3)}
    content = {"select": side, "audit": side, "gap": 0.0, "gap_interval": (-0.1, 0.1)}

    assert GapRecord.model_validate({**content, "selection": "agrees"}).select.advantage == 0.2
    with pytest.raises(ValidationError, match="selection"):
        GapRecord.model_validate({**content, "selection": "wrong"})


def test_a_method_need_not_say_which_end_of_an_interval_counts() -> None:
    """Null then; another word than the two is refused."""
    content = {"performance": "accuracy", "attackers": {}, "also_audit": [], "statistic": None}

    assert SelectionRecord.model_validate({**content, "bound": None}).bound is None
    with pytest.raises(ValidationError, match="bound"):
        SelectionRecord.model_validate({**content, "bound": "hopeful"})
