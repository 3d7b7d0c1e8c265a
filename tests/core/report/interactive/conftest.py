"""Figures of single records, and their charts."""

from typing import Any

import pytest

from safecompress_core.report.figures.score_data import ScoreFigures, score_figures
from safecompress_core.report.interactive.chart import Chart
from safecompress_core.report.interactive.score_charts import score_charts
from tests.core.fixtures.record_scores import attribute_scores, membership_scores
from tests.core.fixtures.records import typed


@pytest.fixture
def figures(results: dict[str, Any]) -> ScoreFigures:
    """Two attacks on membership on both models, one on an attribute, and two groups."""
    scored = [
        membership_scores(attack=attack, model=model)
        for attack in ("loss", "entropy")
        for model in ("uncompressed", "compressed")
    ]
    group = {"by": "label", "kind": "label", "members": 9, "risk": 0.6, "exposed": 1}
    results["records"] = {
        "file": "scores.parquet",
        "attack": "loss",
        "min_risk": 0.9,
        "exposed": [],
        "max_fpr": None,
        "overlap": [],
        "groups": [group | {"value": name, "risk_interval": [0.5, 0.7]} for name in "ab"],
    }
    guesses = attribute_scores(["m", "f"], ["f", "f"])
    return score_figures(typed(results), [*scored, guesses])


@pytest.fixture
def charts(figures: ScoreFigures) -> dict[str, Chart]:
    """All charts by their places in the page."""
    return {chart.id: chart for chart in score_charts(figures, strongest="entropy")}
