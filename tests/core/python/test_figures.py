"""Figures of a result by name."""

from typing import get_args

import pytest

from safecompress_core.python.figures import OF_RESULTS, OF_SCORES, FigureName, plot
from tests.core.fixtures.results import run_results


def test_every_name_has_panels() -> None:
    """Of the results, or of the scores of records."""
    assert {*OF_RESULTS, *OF_SCORES} == set(get_args(FigureName))
    assert not OF_RESULTS.keys() & OF_SCORES.keys()


def test_a_figure_has_the_panels_of_the_report() -> None:
    """One pair of axes each, below its caption."""
    results = run_results()
    attacks = list(results.audit)

    figure = plot(results, tuple, "advantage")

    assert len(figure.axes) == len(attacks)
    assert [text.get_text().partition(" ·")[0] for text in figure.texts] == attacks


def test_a_figure_that_is_not_there_is_refused() -> None:
    """The message names those that are."""
    with pytest.raises(ValueError, match="no figure 'rok'; there are: advantage, roc, scores"):
        plot(run_results(), tuple, "rok")  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match="nothing to draw in 'confusion'; it has: advantage, trade-off"
    ):
        plot(run_results(), tuple, "confusion")
