"""Result of a comparison."""

from pathlib import Path

import pytest

from safecompress_core.python.comparison_result import ComparisonResult
from safecompress_core.report.comparison.variants_page import render
from safecompress_core.results.schema import ComparisonResults
from tests.core.fixtures.comparisons import comparison_content


@pytest.fixture
def result() -> ComparisonResult:
    """The result of a comparison that never was."""
    results = ComparisonResults.model_validate(comparison_content())
    return ComparisonResult(path=Path("comparisons/three"), results=results)


def test_a_row_of_the_frame_is_a_variant(result: ComparisonResult) -> None:
    """By its name, with the mean over the seeds."""
    frame = result.frame().set_index("variant")

    for variant in result.results.variants:
        assert variant.task_accuracy is not None
        assert frame.loc[variant.name, "task_accuracy"] == variant.task_accuracy.mean


def test_the_report_is_the_page_of_the_comparison(result: ComparisonResult, tmp_path: Path) -> None:
    """Written where it is wanted."""
    place = result.report(tmp_path / "page.html")

    assert place.read_text(encoding="utf-8") == render(result.results)


def test_it_is_shown_by_verdict_and_variants(result: ComparisonResult) -> None:
    """In a console as in a notebook."""
    for shown in (repr(result), result._repr_html_()):
        assert "comparisons/three" in shown
        for variant in result.results.variants:
            assert variant.name in shown
