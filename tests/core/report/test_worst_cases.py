"""Worst-case figures, compared with those of the uncompressed model."""

from typing import Any

import pytest

from safecompress_core.report.details_table import membership_details_table
from safecompress_core.report.worst_cases import (
    cautions,
    find_unimproved_points,
    find_unimproved_top_deciles,
    worst_cases,
)
from tests.core.fixtures.records import around, typed

Results = dict[str, Any]


def point(max_fpr: float, tpr: float | None) -> dict[str, Any]:
    """A TPR with an interval of ± 0.05; None where the pools cannot resolve the rate."""
    if tpr is None:
        return {"max_fpr": max_fpr, "tpr": None, "note": "too few", "non_members": 10}
    return {
        "max_fpr": max_fpr,
        "tpr": tpr,
        "interval": around(tpr, 0.05),
        "fpr": max_fpr,
        "fpr_interval": around(max_fpr, 0.01),
        "threshold": 0.0,
        "true_positives": 1,
        "false_positives": 1,
        "members": 10,
        "non_members": 10,
    }


def tenth(precision: float) -> dict[str, Any]:
    """The most exposed tenth, of which half would be members without the model."""
    return {
        "precision": precision,
        "interval": around(precision, 0.1),
        "samples": 2,
        "members": 1,
        "share": 0.1,
        "baseline": 0.5,
    }


def expose(results: Results, attack: str, *, before: Results, after: Results) -> None:
    """Give an attack worst-case figures on both models."""
    results["baseline"]["audit"][attack] |= before
    results["audit"][attack] |= after


@pytest.fixture
def exposed(results: Results) -> Results:
    """TPR falls at 10 % and stays at 1 %; the most exposed tenth stays within its interval."""
    expose(
        results,
        "loss",
        before={"operating_points": [point(0.1, 0.6), point(0.01, 0.2)], "top_decile": tenth(0.8)},
        after={"operating_points": [point(0.1, 0.3), point(0.01, 0.18)], "top_decile": tenth(0.75)},
    )
    return results


def test_each_worst_case_is_compared_with_the_uncompressed_model(exposed: Results) -> None:
    """A difference within either interval is no improvement."""
    found = [
        (one.label, one.before, one.after, one.improved) for one in worst_cases(typed(exposed))
    ]

    assert found == [
        ("TPR at ≤ 10 % false positives", 0.6, 0.3, True),
        ("TPR at ≤ 1 % false positives", 0.2, 0.18, False),
        ("members in the most exposed tenth", 0.8, 0.75, False),
    ]


def test_figures_that_did_not_improve_are_a_caution(exposed: Results) -> None:
    """One sentence with all of them, neither good nor bad for the verdict."""
    [caution] = cautions(typed(exposed))

    assert caution.text == (
        "2 worst-case figures did not improve beyond the noise: TPR at ≤ 1 % "
        "false positives 0.180, was 0.200 and members in the most exposed tenth 0.750, was 0.800."
    )
    assert caution.tone == "caution"
    assert find_unimproved_points(typed(exposed)) == {("loss", 0.01)}
    assert find_unimproved_top_deciles(typed(exposed)) == {"loss"}


def test_of_each_model_its_strongest_attack_counts(exposed: Results) -> None:
    """An attack that finds more on the compressed model takes away another one's improvement."""
    expose(
        exposed,
        "entropy",
        before={"operating_points": [point(0.1, 0.2)], "top_decile": tenth(0.5)},
        after={"operating_points": [point(0.1, 0.58)], "top_decile": tenth(0.5)},
    )

    first = worst_cases(typed(exposed))[0]

    assert (first.attacker, first.before, first.after) == ("entropy", 0.6, 0.58)
    assert first.improved is False


def test_a_rate_that_cannot_be_resolved_is_left_out(exposed: Results) -> None:
    """On either model: no figure is better than one, and nothing is claimed of it."""
    exposed["audit"]["loss"]["operating_points"][1] = point(0.01, None)

    assert [one.label for one in worst_cases(typed(exposed))] == [
        "TPR at ≤ 10 % false positives",
        "members in the most exposed tenth",
    ]


def test_a_figure_at_the_guess_has_nothing_to_improve(exposed: Results) -> None:
    """Neither model gives anything away there."""
    for part in (exposed, exposed["baseline"]):
        part["audit"]["loss"] |= {"operating_points": [point(0.1, 0.09)], "top_decile": tenth(0.5)}

    assert all(one.improved for one in worst_cases(typed(exposed)))
    assert cautions(typed(exposed)) == ()


def test_a_model_alone_is_compared_with_nothing(exposed: Results) -> None:
    """Its figures are shown, and none is called unimproved."""
    exposed["baseline"] = None

    assert [(one.after, one.before, one.improved) for one in worst_cases(typed(exposed))] == [
        (0.3, None, None),
        (0.18, None, None),
        (0.75, None, None),
    ]
    assert cautions(typed(exposed)) == ()


def test_the_table_marks_the_compressed_model_s_tenth(exposed: Results) -> None:
    """The uncompressed model's cell is what it is compared with."""
    more = {"precision": None, "precision_prior": 0.1, "epsilon": None, "labels": []}
    expose(exposed, "loss", before=more, after=more)

    table = membership_details_table(typed(exposed))

    assert table is not None
    [cells] = [row.cells for row in table.rows if "top 10 %" in row.label]
    assert [cell.is_caution for cell in cells] == [False, True]


def test_without_an_attack_on_membership_there_are_no_worst_cases(results: Results) -> None:
    """Attacks of other games have none."""
    assert worst_cases(typed(results)) == ()
    assert cautions(typed(results)) == ()
