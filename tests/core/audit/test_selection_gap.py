"""What selection saw, beside what the audit finds."""

from typing import Any

import pytest

from safecompress_core.audit.selection_gap import selection_gap


def judged(game: str, advantage: float, spread: float = 0.03, **more: Any) -> dict[str, Any]:
    """An attack with a symmetric interval."""
    ends = [advantage - spread, advantage + spread]
    return {"game": game, "advantage": advantage, "advantage_interval": ends, **more}


def rounds(**attacks: dict[str, Any]) -> list[dict[str, Any]]:
    """The chosen candidate is the second of round 2."""
    own = {name: attack | {"outdone_by": None} for name, attack in attacks.items()}
    other = {"net": judged("membership", 0.9, outdone_by=None)}
    return [
        {"candidates": [{"id": "r1c1", "attacks": other}]},
        {
            "candidates": [
                {"id": "r2c1", "attacks": other},
                {"id": "r2c2", "attacks": own},
            ]
        },
    ]


def test_the_strongest_attack_of_either_place_counts() -> None:
    """On the chosen candidate alone; the interval by hand: 0.1 ± √(0.03² + 0.04²)."""
    tested = rounds(net=judged("membership", 0.2), weak=judged("membership", 0.1))
    audit = {"loss": judged("membership", 0.3, 0.04), "entropy": judged("membership", 0.05)}

    found = selection_gap(tested, "r2c2", audit)["membership"]

    assert found["select"]["attacker"] == "net"
    assert found["audit"]["attacker"] == "loss"
    assert found["gap"] == pytest.approx(0.1)
    assert found["gap_interval"] == pytest.approx([0.05, 0.15])
    assert found["selection"] == "understated"
    assert found["select"]["outdone_by"] is None


@pytest.mark.parametrize(
    ("audit", "said"), [(0.5, "understated"), (0.22, "agrees"), (0.0, "overstated")]
)
def test_a_difference_is_one_only_beyond_the_noise(audit: float, said: str) -> None:
    """Either way."""
    found = selection_gap(
        rounds(net=judged("membership", 0.2)), "r2c2", {"loss": judged("membership", audit)}
    )

    assert found["membership"]["selection"] == said


def test_each_end_is_made_of_the_ends_that_face_it() -> None:
    """Intervals need not be symmetric: the gap is least where select is high and audit is low."""
    seen = {"game": "membership", "advantage": 0.2, "advantage_interval": [0.17, 0.24]}
    heard = {"game": "membership", "advantage": 0.3, "advantage_interval": [0.27, 0.42]}

    found = selection_gap(rounds(net=seen), "r2c2", {"loss": heard})["membership"]

    low, high = 0.1 - (0.03**2 + 0.04**2) ** 0.5, 0.1 + (0.12**2 + 0.03**2) ** 0.5
    assert found["gap_interval"] == pytest.approx([low, high])


def test_games_are_told_apart_and_need_both_places() -> None:
    """An attribute that only the audit asks for is not compared with anything."""
    tested = rounds(net=judged("membership", 0.2))
    audit = {"loss": judged("membership", 0.2), "probe": judged("attribute", 0.8)}

    assert list(selection_gap(tested, "r2c2", audit)) == ["membership"]
    assert selection_gap(tested, "r2c2", {"probe": judged("attribute", 0.8)}) == {}


def test_a_method_that_chose_nothing_has_no_gap() -> None:
    """It saw nothing either."""
    assert selection_gap([], "", {"loss": judged("membership", 0.2)}) == {}
