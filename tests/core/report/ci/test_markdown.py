"""Markdown for a job summary: complete, and safe against markup in a spec."""

from typing import Any

import pytest
from markdown_it import MarkdownIt

from safecompress_core.report.ci.markdown import comparison_markdown, results_markdown
from tests.core.fixtures.comparisons import comparison_content
from tests.core.fixtures.comparisons import typed as typed_comparison
from tests.core.fixtures.records import typed

HOSTILE = "![x](http://example.org/x.png) <img src=x> @all #1 `code` | cell"


def as_html(text: str) -> str:
    """Return what a reader of CommonMark with tables makes of it."""
    return MarkdownIt("commonmark").enable("table").render(text)


def test_the_verdict_comes_first_and_each_gate_has_a_mark(results: dict[str, Any]) -> None:
    """A missed gate is a cross, in a list that can be scanned."""
    results["gate"][0]["passed"] = False

    page = as_html(results_markdown(typed(results)))

    assert page.startswith(
        "<h2>❌ trial</h2>\n<p><strong>FAILED: the compressed model misses 1 of 2 gates.</strong>"
    )
    assert "<li>❌ Test accuracy must be at least 0.300." in page
    assert "<li>✅ Membership advantage (worst attack: loss) must be at most 0.350." in page


def test_figures_are_tables_with_both_models_and_their_intervals(results: dict[str, Any]) -> None:
    """A short one, and every measure below a fold."""
    page = as_html(results_markdown(typed(results)))

    short, _, complete = page.partition("<details>")
    assert short.count("<table>") == complete.count("<table>") == 1
    assert "uncompressed</th>" in short
    assert "0.200 <sub>0.100–0.300</sub>" in short
    assert "lift over the guess" in complete
    assert "lift over the guess" not in short


def test_an_audit_has_one_column(results: dict[str, Any]) -> None:
    """There is no uncompressed model next to it."""
    results |= {"baseline": None, "method": None, "archive": [], "rounds": [], "selection_gap": {}}
    results["gate"] = [gate | {"baseline": None} for gate in results["gate"]]
    results["origin"] = {
        "file": "model.pt",
        "format": "state dict",
        "access": "white-box",
        "answers": "logits",
        "sha256": "0" * 64,
    }

    page = as_html(results_markdown(typed(results)))

    assert "uncompressed" not in page
    assert "PASSED: the model meets both gates." in page


def test_names_of_a_spec_are_never_markup(results: dict[str, Any]) -> None:
    """No image, no link, no mention, and no additional cell of a table."""
    results["audit"][HOSTILE] = results["audit"].pop("loss")
    results["baseline"]["audit"][HOSTILE] = results["baseline"]["audit"].pop("loss")
    results["name"] = HOSTILE

    text = results_markdown(typed(results))

    page = as_html(text)
    assert "<img" not in page.replace("&lt;img", "")
    assert "<a " not in page
    assert "<code>" not in page
    assert "\\@all" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in rows} == {4}


def test_a_comparison_is_its_verdict_and_its_table() -> None:
    """The table that the folder of a comparison has as well."""
    page = as_html(comparison_markdown(typed_comparison(comparison_content())))

    assert page.count("<table>") == 1
    assert page.startswith("<p>")
    assert "<strong>" in page.splitlines()[0]


@pytest.mark.parametrize("name", ["null", "planted"])
def test_a_failed_control_is_void(results: dict[str, Any], name: str) -> None:
    """And the headline with its figures is left out."""
    results["controls"][name]["loss"]["passed"] = False

    text = results_markdown(typed(results))

    assert "**VOID: the" in text
    assert "smaller" not in text.partition("###")[0]
