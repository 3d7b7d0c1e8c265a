"""Slopes and reliability, as one sees them without a screen."""

from safecompress_core.report.behaviours.change_figures import change_figures, slope_figure
from safecompress_core.results.schema import Results


def test_slopes_are_of_what_fits_on_an_axis_from_0_to_1(results: Results) -> None:
    """Each with its verdict in the description; the sharpness of 11 is in the table alone."""
    slopes, diagram = change_figures(results)

    assert "accuracy from 0.900 to 0.800, changed beyond training noise" in slopes.svg
    assert "sharpness" not in slopes.svg
    assert "0.70 0.60" in diagram.svg
    assert "compressed" in diagram.svg


def test_the_same_rows_are_the_same_drawing(results: Results) -> None:
    """A report is a function of its results."""
    assert results.behaviours is not None
    rows = results.behaviours[:3]

    assert slope_figure(rows) == slope_figure(rows)


def test_without_rows_nothing_is_drawn(results: Results) -> None:
    """An audit has no uncompressed model."""
    assert change_figures(results.model_copy(update={"behaviours": None, "details": None})) == ()
