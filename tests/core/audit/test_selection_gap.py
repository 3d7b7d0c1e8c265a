"""What selection saw, beside what the audit finds."""

import pytest

from safecompress_core.audit.selection_gap import selection_gap
from safecompress_core.results.schema import AnyAttackRecord
from tests.core.fixtures.records import attack_record as attack


def on_select(**attacks: AnyAttackRecord) -> dict[str, AnyAttackRecord]:
    """Attacks on the chosen candidate, which no threshold attack outdoes."""
    return {name: one.model_copy(update={"outdone_by": None}) for name, one in attacks.items()}


def test_the_strongest_attack_of_either_place_counts() -> None:
    """The interval by hand: 0.1 ± √(0.03² + 0.04²)."""
    selected = on_select(net=attack("membership", 0.2, 0.03), weak=attack("membership", 0.1, 0.03))
    audit = {
        "loss": attack("membership", 0.3, 0.04),
        "entropy": attack("membership", 0.05, 0.03),
    }

    found = selection_gap(selected, audit)["membership"]

    assert found.select.attacker == "net"
    assert found.audit.attacker == "loss"
    assert found.gap == pytest.approx(0.1)
    assert found.gap_interval == pytest.approx((0.05, 0.15))
    assert found.selection == "understated"
    assert found.select.outdone_by is None


@pytest.mark.parametrize(
    ("audit", "said"), [(0.5, "understated"), (0.22, "agrees"), (0.0, "overstated")]
)
def test_a_difference_is_one_only_beyond_the_noise(audit: float, said: str) -> None:
    """Either way."""
    found = selection_gap(
        on_select(net=attack("membership", 0.2, 0.03)),
        {"loss": attack("membership", audit, 0.03)},
    )

    assert found["membership"].selection == said


def test_each_end_is_made_of_the_ends_that_face_it() -> None:
    """Intervals need not be symmetric: the gap is least where select is high and audit is low."""
    seen = attack("membership", 0.2, advantage_interval=(0.17, 0.24))
    heard = attack("membership", 0.3, advantage_interval=(0.27, 0.42))

    found = selection_gap(on_select(net=seen), {"loss": heard})["membership"]

    low, high = 0.1 - (0.03**2 + 0.04**2) ** 0.5, 0.1 + (0.12**2 + 0.03**2) ** 0.5
    assert found.gap_interval == pytest.approx((low, high))


def test_games_are_told_apart_and_need_both_places() -> None:
    """An attribute that only the audit asks for is not compared with anything."""
    selected = on_select(net=attack("membership", 0.2, 0.03))
    audit = {
        "loss": attack("membership", 0.2, 0.03),
        "probe": attack("attribute", 0.8, 0.03),
    }

    assert list(selection_gap(selected, audit)) == ["membership"]
    assert selection_gap(selected, {"probe": attack("attribute", 0.8, 0.03)}) == {}


def test_a_method_that_chose_nothing_has_no_gap() -> None:
    """It saw nothing either."""
    assert selection_gap({}, {"loss": attack("membership", 0.2, 0.03)}) == {}
