"""The chart of an attribute's true and inferred values."""

from safecompress_core.report.interactive.chart import Chart


def test_confusions_are_shares_of_each_true_value(charts: dict[str, Chart]) -> None:
    """Both records of value f are inferred as f."""
    cells = {(row["true"], row["guess"]): row for row in charts["confusion-live"].rows}

    assert (cells["f", "f"]["count"], cells["f", "f"]["share"]) == (1, 1.0)
    assert (cells["m", "f"]["count"], cells["m", "m"]["share"]) == (1, 0.0)
