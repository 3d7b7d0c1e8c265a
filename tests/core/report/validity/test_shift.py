"""A shift between members and non-members in words."""

from typing import Any

from safecompress_core.report.validity.shift import (
    describe_baseline,
    find_shift,
    has_unaccepted_shift,
    shift_remark,
)
from safecompress_core.report.verdict import controls, is_good, is_void, verdict, void_causes
from tests.core.fixtures.records import blind_record, typed


def test_members_that_are_alike_are_good_news(results: dict[str, Any]) -> None:
    """The first of the controls, with the figure and what would be bad."""
    results["blind_baseline"] = blind_record().to_json()

    [first, *_] = controls(typed(results))

    assert first.is_good
    assert first.text == (
        "Blind baseline, gradient boosting without the model: its inputs do not distinguish "
        "members from non-members, as it must be (AUC 0.490, 0.420–0.560; the interval is not "
        "above 0.5)."
    )
    assert not is_void(typed(results))


def test_a_shift_voids_the_verdict_with_the_columns_that_do_it(results: dict[str, Any]) -> None:
    """Though all gates are met, and no control failed."""
    results["blind_baseline"] = blind_record(shifted=True).to_json()

    assert verdict(typed(results)).text == (
        "VOID: members differ from non-members without the model (AUC 0.900, most by age and job), "
        "so the figures prove nothing."
    )
    assert not is_good(typed(results))
    assert void_causes(typed(results)) == ["members are shifted"]
    [first, *_] = controls(typed(results))
    assert first.is_good is False
    assert "most by age and job. Attacks may read that difference instead" in first.text


def test_an_accepted_shift_leaves_the_verdict_and_is_said_in_it(results: dict[str, Any]) -> None:
    """A caution, next to a verdict that says the same."""
    results["blind_baseline"] = blind_record(shifted=True, accepted=True).to_json()

    text = verdict(typed(results)).text

    assert text.startswith("PASSED: the compressed model meets both gates. Members differ")
    assert "which the spec accepts: figures of membership are about that difference" in text
    assert is_good(typed(results))
    [first, *_] = controls(typed(results))
    assert first.is_caution
    assert first.text.endswith("The spec accepts it (accept_shift: true).")


def test_without_an_attack_on_membership_a_shift_voids_nothing(results: dict[str, Any]) -> None:
    """No figure is about it."""
    results["blind_baseline"] = blind_record(shifted=True).to_json()
    results["audit"] = {"probe": results["audit"]["probe"]}

    assert find_shift(typed(results)) is None
    assert not has_unaccepted_shift(typed(results))
    assert shift_remark(typed(results)) == ""


def test_results_without_a_baseline_say_nothing(results: dict[str, Any]) -> None:
    """Those of an earlier version."""
    plain = controls(typed(results))
    assert not any("Blind" in one.text for one in plain)
    assert not has_unaccepted_shift(typed(results))


def test_a_baseline_that_is_not_possible_says_why() -> None:
    """Plainly."""
    assert describe_baseline(blind_record(note="the inputs are unknown")) == (
        "Blind baseline, gradient boosting without the model: not possible, the inputs are unknown."
    )
