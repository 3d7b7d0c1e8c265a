"""Static figures of single records, for a page: their captions, and their drawings."""

from collections.abc import Iterator
from dataclasses import dataclass

from safecompress_core.report.figures.drawing import WIDTH, width
from safecompress_core.report.figures.figure_data import CaptionedFigure
from safecompress_core.report.figures.score_data import ScoreFigures
from safecompress_core.report.figures.score_drawing import (
    confusion_panel,
    group_panel,
    histogram_panel,
    risk_panel,
    roc_panel,
)
from safecompress_core.results.score_file import BASELINE

__all__ = ["StaticScoreFigures", "static_figures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticScoreFigures:
    """Drawn figures, by what they are about."""

    roc: tuple[CaptionedFigure, ...]
    histograms: tuple[CaptionedFigure, ...]
    risks: tuple[CaptionedFigure, ...]
    groups: tuple[CaptionedFigure, ...]
    confusions: tuple[CaptionedFigure, ...]


def static_figures(data: ScoreFigures) -> StaticScoreFigures:
    """Draw all figures of records; of scores, risks and confusions those of the chosen model."""
    return StaticScoreFigures(
        roc=tuple(_roc(data)),
        histograms=tuple(_histograms(data)),
        risks=tuple(_risks(data)),
        groups=tuple(_groups(data)),
        confusions=tuple(_confusions(data)),
    )


def _roc(data: ScoreFigures) -> Iterator[CaptionedFigure]:
    attacks = list(dict.fromkeys(line.attack for line in data.roc))
    for index, attack in enumerate(attacks):
        lines = [line for line in data.roc if line.attack == attack]
        for kind in ("linear", "logarithmic"):
            panel = roc_panel(
                lines,
                name=f"roc-{kind}-{index}",
                title=f"ROC curve of {attack}, {kind} axes",
                wide=width(2 * len(attacks)),
                is_log=kind == "logarithmic",
            )
            yield CaptionedFigure(caption=attack, note=f"{kind} axes", svg=panel)


def _histograms(data: ScoreFigures) -> Iterator[CaptionedFigure]:
    chosen = [one for one in data.histograms if one.model != BASELINE]
    for index, found in enumerate(chosen):
        panel = histogram_panel(
            found,
            name=f"scores-{index}",
            title=f"Scores of {found.attack} on the {found.model} model",
            wide=width(len(chosen)),
        )
        yield CaptionedFigure(caption=found.attack, note=f"{found.model} model", svg=panel)


def _risks(data: ScoreFigures) -> Iterator[CaptionedFigure]:
    chosen = [one for one in data.risks if one.model != BASELINE]
    for index, found in enumerate(chosen):
        panel = risk_panel(
            found,
            name=f"risk-{index}",
            title=f"Risk of each member by {found.attack}",
            wide=width(len(chosen)),
            min_risk=data.min_risk,
        )
        yield CaptionedFigure(caption=found.attack, note=f"{found.count} members", svg=panel)


def _groups(data: ScoreFigures) -> Iterator[CaptionedFigure]:
    kinds = dict.fromkeys(group.by for group in data.groups)
    for index, by in enumerate(kinds):
        groups = [group for group in data.groups if group.by == by]
        panel = group_panel(
            groups, name=f"group-{index}", title=f"Mean risk by {by}", wide=width(len(kinds))
        )
        yield CaptionedFigure(caption=by, note=f"{len(groups)} groups", svg=panel)


def _confusions(data: ScoreFigures) -> Iterator[CaptionedFigure]:
    chosen = [one for one in data.confusions if one.model != BASELINE]
    for index, found in enumerate(chosen):
        panel = confusion_panel(
            found,
            name=f"confusion-{index}",
            title=f"Values that {found.attack} infers",
            wide=WIDTH,
        )
        yield CaptionedFigure(caption=found.attack, note=f"{found.model} model", svg=panel)
