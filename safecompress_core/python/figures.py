"""Figures of a result by name: the panels of its report, drawn by matplotlib."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeAlias, get_args

from safecompress_core.report.behaviours.change_figures import change_figures
from safecompress_core.report.figures.figure_data import (
    CaptionedFigure,
    forests,
    learning_figures,
    noises,
    trade_offs,
)
from safecompress_core.report.figures.layer_densities import layer_densities
from safecompress_core.report.figures.plots import ReportFigure, plot_panels
from safecompress_core.report.figures.score_data import score_figures
from safecompress_core.report.figures.score_figures import StaticScoreFigures, static_figures
from safecompress_core.results.schema import Results
from safecompress_core.results.score_file import ScoredRecords

__all__ = ["FigureName", "plot"]

FigureName: TypeAlias = Literal[
    "advantage",
    "roc",
    "scores",
    "risk",
    "groups",
    "confusion",
    "trade-off",
    "rounds",
    "noise",
    "layers",
    "behaviours",
]

Panels: TypeAlias = Sequence[CaptionedFigure]


def _layers(results: Results) -> Panels:
    panel = layer_densities(results)
    if panel is None:
        return ()
    return (CaptionedFigure(caption="Density by layer", note="", svg=panel),)


OF_RESULTS: Mapping[str, Callable[[Results], Panels]] = {
    "advantage": forests,
    "trade-off": trade_offs,
    "rounds": learning_figures,
    "noise": noises,
    "layers": _layers,
    "behaviours": change_figures,
}
OF_SCORES: Mapping[str, Callable[[StaticScoreFigures], Panels]] = {
    "roc": lambda drawn: drawn.roc,
    "scores": lambda drawn: drawn.histograms,
    "risk": lambda drawn: drawn.risks,
    "groups": lambda drawn: drawn.groups,
    "confusion": lambda drawn: drawn.confusions,
}


def plot(
    results: Results, read_scores: Callable[[], Sequence[ScoredRecords]], name: FigureName
) -> ReportFigure:
    """Return one of the figures of a result.

    Args:
        results: of a run or an audit.
        read_scores: reads the scores of its records.
        name: of the figure.

    Raises:
        ValueError: if there is no such figure, or nothing to draw in it.
        RunDirectoryError: if the scores cannot be read.
    """
    names = get_args(FigureName)
    if name not in names:
        raise ValueError(f"there is no figure {name!r}; there are: {', '.join(names)}")
    if panels := _panels(results, read_scores, name):
        return plot_panels(panels)
    drawn = [other for other in names if _panels(results, read_scores, other)]
    raise ValueError(f"this result has nothing to draw in {name!r}; it has: {', '.join(drawn)}")


def _panels(
    results: Results, read_scores: Callable[[], Sequence[ScoredRecords]], name: str
) -> Panels:
    if name in OF_RESULTS:
        return OF_RESULTS[name](results)
    # Results of before have no scores of single records.
    scored = () if results.records is None else read_scores()
    return OF_SCORES[name](static_figures(score_figures(results, scored)))
