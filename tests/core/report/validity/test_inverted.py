"""Inverted attacks in the verdict and for every model, with possible causes."""

from typing import Any

import pytest

from safecompress_core.report.verdict import gates, inverted_findings, verdict
from tests.core.fixtures.records import membership_record, typed

Results = dict[str, Any]

REVERSED = {
    "auc": 0.79,
    "auc_interval": [0.72, 0.86],
    "advantage": 0.45,
    "advantage_interval": [0.32, 0.58],
}


def invert(judged: dict[str, Any]) -> None:
    """Have an attack score the wrong way round."""
    judged |= {"auc": 0.21, "auc_interval": [0.14, 0.28], "reversed": REVERSED}


def test_nothing_is_said_where_no_attack_is_inverted(results: Results) -> None:
    """The verdict is one sentence."""
    assert inverted_findings(typed(results)) == ()
    assert verdict(typed(results)).text == "PASSED: the compressed model meets both gates."


def test_an_inverted_attack_is_told_with_its_causes_and_its_reverse(results: Results) -> None:
    """Of the compressed model; the verdict names it, too, and the gates decide as they did."""
    invert(results["audit"]["loss"])

    [finding] = inverted_findings(typed(results))

    assert finding.is_caution
    assert finding.text == (
        "loss on the compressed model is inverted: AUC 0.210 (0.140–0.280) is under 0.5, and an "
        "attack that finds nothing has 0.5. It can mean members and non-members exchanged, task "
        "labels swapped, or scores that are higher for non-members. Reversed, it has AUC 0.790 and "
        "advantage 0.450 (0.320–0.580); gates count the reversed attack as well."
    )
    found = verdict(typed(results))
    assert found.is_good is True
    assert found.text == (
        "PASSED: the compressed model meets both gates. loss on the compressed model has an AUC "
        "under 0.5: labels, scores or members may be exchanged."
    )


def test_each_model_attack_and_canary_counts(results: Results) -> None:
    """An exchange shows on the uncompressed model as well; an attribute has causes of its own."""
    invert(results["audit"]["probe"])
    invert(results["baseline"]["audit"]["loss"])
    results["audit"]["loss"]["canaries"] = membership_record(0.1).to_json()
    invert(results["audit"]["loss"]["canaries"])

    texts = [finding.text for finding in inverted_findings(typed(results))]

    assert [text.partition(" is inverted")[0] for text in texts] == [
        "loss on the uncompressed model",
        "loss (canaries) on the compressed model",
        "probe on the compressed model",
    ]
    assert "values of the attribute swapped in one of the pools" in texts[2]
    assert " have an AUC under 0.5" in verdict(typed(results)).text


def test_a_model_that_stands_alone_needs_no_name(results: Results) -> None:
    """An audit has one model."""
    results["baseline"] = None
    for gate in results["gate"]:
        gate["baseline"] = None
    invert(results["audit"]["loss"])

    assert inverted_findings(typed(results))[0].text.startswith("loss is inverted: AUC 0.210")


@pytest.mark.parametrize("measure", ["membership.advantage", "loss.advantage"])
def test_a_gate_that_the_reversed_attack_missed_names_it(results: Results, measure: str) -> None:
    """The name leads to the row of the table that has the figure."""
    invert(results["audit"]["loss"])
    results["gate"][1] |= {"measure": measure, "value": 0.45, "held": 0.58, "passed": False}

    text = gates(typed(results))[1].text

    assert "It is 0.450" in text
    assert ("(worst attack: loss, reversed)" in text) == (measure == "membership.advantage")
