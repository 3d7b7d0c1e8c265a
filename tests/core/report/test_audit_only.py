"""The page of an audited model, without an uncompressed one."""

from typing import Any

import pytest

from safecompress_core.report.audit_only import headline, swap_findings, tiles
from safecompress_core.report.details_table import membership_details_table
from safecompress_core.report.figures.figure_data import forests
from safecompress_core.report.summary import comparison
from safecompress_core.report.verdict import gates, verdict
from tests.core.fixtures.records import typed
from tests.core.fixtures.results import run_results


@pytest.fixture
def alone(results: dict[str, Any]) -> dict[str, Any]:
    """The same figures as results of an audit."""
    gate = [{**one, "baseline": None} for one in results["gate"]]
    origin = {
        "file": "m.onnx",
        "format": "ONNX model",
        "access": "black-box",
        "answers": "logits",
        "sha256": "0" * 64,
    }
    sizes = dict.fromkeys(("density", "model_density", "sparsifiable", "parameters", "active"))
    return {
        **results,
        "baseline": None,
        "method": None,
        "origin": origin,
        "model": {**sizes, "file_bytes": 1000, "dense_bytes": 1000},
        "archive": [],
        "rounds": [],
        "gate": gate,
        "pools": {"audit": {"members": 10, "non_members": 10, "fingerprint": "a" * 64}},
    }


def test_the_headline_has_the_strongest_attack_of_each_game(alone: dict[str, Any]) -> None:
    """With its interval, and what the model is good for."""
    assert headline(typed(alone)) == (
        "The strongest attacks gain 0.200 (0.100–0.300) in membership and 0.800 (0.700–0.900) in "
        "attribute over a guess, at a test accuracy of 0.400."
    )


def test_a_failed_control_voids_the_headline(alone: dict[str, Any]) -> None:
    """No figure is repeated that proves nothing."""
    alone["controls"]["null"]["loss"]["passed"] = False

    assert headline(typed(alone)) == ""


def test_tiles_compare_with_nothing(alone: dict[str, Any]) -> None:
    """Facts that a model format does not have are left out."""
    found = tiles(typed(alone))

    assert [(one.label, one.after, one.before, one.change) for one in found] == [
        ("model file", "1.0 kB", "", ""),
        ("test accuracy", "0.400", "", "95 % interval 0.350–0.450"),
        ("membership advantage", "0.200", "", "95 % interval 0.100–0.300"),
        ("attribute advantage", "0.800", "", "95 % interval 0.700–0.900"),
    ]
    assert found[0].note == "ONNX model, black-box access"
    assert found[2].note == "by loss"


def test_tables_and_panels_have_one_column(alone: dict[str, Any]) -> None:
    """Rows that would be empty are left out."""
    table = comparison(typed(alone))

    assert table.columns == ("model",)
    labels = [row.label for row in table.rows]
    assert "density" not in labels
    assert "parameters" not in labels
    assert [row.cells[0].note for row in table.rows if row.label == "model file"] == [""]
    assert membership_details_table(typed(alone)) is None
    assert len(forests(typed(alone))) == 3


def test_gates_and_verdict_speak_of_the_model(alone: dict[str, Any]) -> None:
    """And not of an uncompressed one."""
    assert verdict(typed(alone)).text == "PASSED: the model meets both gates."
    assert [one.text.count("uncompressed") for one in gates(typed(alone))] == [0, 0]
    assert gates(typed(alone))[0].text.endswith("the low end of its interval, 0.350, counts: met.")


def test_the_sentence_says_whose_measure_it_is() -> None:
    """It is no attack, so neither good nor bad; without a twin there is none."""
    without = run_results()
    tested = without.model_copy(update={"swap_test": next(iter(without.audit.values()))})

    assert list(swap_findings(without)) == []
    (finding,) = swap_findings(tested)
    assert finding.tone == "plain"
    assert "For the owner alone" in finding.text
    assert "counts for no gate" in finding.text
