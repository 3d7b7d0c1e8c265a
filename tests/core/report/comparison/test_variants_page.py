"""A comparison as a page."""

import re
from typing import Any

from safecompress_core.report.comparison.variants_page import headline, render
from tests.core.fixtures.comparisons import typed


def test_the_page_needs_nothing_beside_it(comparison: dict[str, Any]) -> None:
    """No script, no other file; names from a spec are escaped."""
    comparison["failures"] = [{"label": "<b>prune</b>", "reason": "none"}]
    page = render(typed(comparison))

    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    assert "&lt;b&gt;prune" in page
    assert page.count('class="panel"') == 3  # one density, and two courses
    assert "<strong>0.450</strong>" in page


def test_the_headline_says_who_leads_and_whether_seeds_explain_it(
    comparison: dict[str, Any],
) -> None:
    """By TM-score, at each density."""
    assert headline(typed(comparison)) == "Best by TM-score: test-driven at density 0.05."
    comparison["variants"][2]["best"] = []
    assert headline(typed(comparison)) == (
        "Best by TM-score: test-driven at density 0.05, within what seeds explain."
    )
    comparison["seeds"] = [1]
    assert (
        headline(typed(comparison))
        == "Best by TM-score: test-driven at density 0.05, with one seed."
    )
