"""Static figures of single records on a page: one for each attack, with a caption."""

import re
from typing import Any

from safecompress_core.report.figures.score_data import ScoreFigures, score_figures
from safecompress_core.report.figures.score_figures import static_figures
from tests.core.fixtures.record_scores import attribute_scores, membership_scores
from tests.core.fixtures.records import typed


def test_each_attack_has_its_figures_with_ids_of_their_own(results: dict[str, Any]) -> None:
    """Curves on both kinds of axes; all others of the compressed model."""
    scored = [
        membership_scores(attack=attack, model=model)
        for attack in ("loss", "entropy")
        for model in ("uncompressed", "compressed")
    ]
    guesses = attribute_scores(["m", "f"], ["f", "f"])

    found = static_figures(score_figures(typed(results), [*scored, guesses]))

    assert [(one.caption, one.note) for one in found.roc] == [
        ("loss", "linear axes"),
        ("loss", "logarithmic axes"),
        ("entropy", "linear axes"),
        ("entropy", "logarithmic axes"),
    ]
    assert [one.note for one in found.histograms] == ["compressed model"] * 2
    assert [one.note for one in found.risks] == ["60 members"] * 2
    assert [one.caption for one in found.confusions] == ["probe"]
    panels = [*found.roc, *found.histograms, *found.risks, *found.confusions]
    titles = [re.findall(r'<title id="([^"]+)"', one.svg)[0] for one in panels]
    assert len(set(titles)) == len(titles) == 9


def test_without_scores_there_is_nothing_to_draw() -> None:
    """Results of before have none."""
    found = static_figures(ScoreFigures())

    assert (found.roc, found.histograms, found.risks, found.groups) == ((), (), (), ())
