"""Warning of shifted members before any training."""

from types import SimpleNamespace
from typing import Any

import pytest

from safecompress_core.preflight.shift_warning import with_shift_warning
from safecompress_core.results.schema import BlindBaselineRecord

SHIFTED = BlindBaselineRecord(
    auc=0.9,
    auc_interval=(0.8, 0.95),
    shifted=True,
    accepted=False,
    inputs="inputs",
    members=50,
    non_members=50,
    columns=(),
    note=None,
)


def context(blind: BlindBaselineRecord, *games: str) -> Any:
    """The parts of a context that are read: its attacks' games and its baseline."""
    attacks = [
        SimpleNamespace(game=SimpleNamespace(definition=SimpleNamespace(name=name)))
        for name in games
    ]
    return SimpleNamespace(audit_attacks=attacks, blind_baseline=blind)


def test_a_shift_is_warned_of_with_what_to_do() -> None:
    """After the warnings of the data."""
    card = {"samples": 3, "warnings": ["a column looks like an index"]}

    warnings = with_shift_warning(card, context(SHIFTED, "membership"))["warnings"]

    assert warnings[0] == card["warnings"][0]
    assert "distinguishes members from non-members by their inputs (AUC 0.900" in warnings[1]
    assert "will be VOID: draw members at random" in warnings[1]
    assert len(card["warnings"]) == 1


def test_a_shift_that_is_accepted_voids_nothing() -> None:
    """It is said all the same."""
    blind = SHIFTED.model_copy(update={"accepted": True})

    (warning,) = with_shift_warning({"warnings": []}, context(blind, "membership"))["warnings"]

    assert "accepts it" in warning
    assert "VOID" not in warning


@pytest.mark.parametrize(
    ("blind", "game"),
    [(SHIFTED, "attribute"), (SHIFTED.model_copy(update={"shifted": False}), "membership")],
)
def test_otherwise_the_card_stays(blind: BlindBaselineRecord, game: str) -> None:
    """Of other games membership does not matter."""
    card: dict[str, Any] = {"warnings": []}

    assert with_shift_warning(card, context(blind, game)) == card
