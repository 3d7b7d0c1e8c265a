"""Names of objectives."""

from typing import Any

import pytest

from safecompress_core.report.objectives import attack_figure, objective_name
from tests.core.fixtures.records import typed


def test_performance_has_the_name_of_its_metric(results: dict[str, Any]) -> None:
    """Attackers keep the id that the spec gave them."""
    assert objective_name(typed(results), "performance") == "accuracy"
    assert objective_name(typed(results), "net") == "net"


@pytest.mark.parametrize(
    ("statistic", "game", "figure"),
    [
        ("auc", "membership", "2·AUC − 1"),
        ("auc", "attribute", "advantage"),
        ("advantage", "membership", "advantage"),
        (None, "membership", "advantage"),
    ],
)
def test_an_attack_on_membership_counts_with_its_auc_where_the_method_says_so(
    results: dict[str, Any], statistic: str | None, game: str, figure: str
) -> None:
    """Any other attack counts with its advantage."""
    results["selection"]["statistic"] = statistic
    results["selection"]["attackers"]["net"]["game"] = game

    assert attack_figure(typed(results), "net") == figure
