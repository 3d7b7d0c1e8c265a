"""Figures of one model of one run."""

from collections.abc import Callable

import pytest

from safecompress_core.compare.comparison_table import FinishedVariant
from safecompress_core.compare.run_metrics import RunMetrics, read_run_metrics
from tests.core.compare.conftest import point
from tests.core.fixtures.records import membership_record

MakeDone = Callable[..., FinishedVariant]


def read(finished: FinishedVariant, *, mia: str | None = None) -> RunMetrics:
    """Figures of the compressed model of a run."""
    return read_run_metrics(finished.results, performance="accuracy", seconds=4.0, mia=mia)


def test_the_strongest_attack_of_each_game_counts(done: MakeDone) -> None:
    """Two attacks on members and one on an attribute, of which the weaker is left out."""
    metrics = read(done(accuracy=0.4, mia=0.6))

    assert metrics.task_accuracy == 0.4
    assert metrics.auc == pytest.approx(0.65)
    assert metrics.tpr_at_1_percent_fpr == 0.05
    assert metrics.lift == 0.2
    assert metrics.advantage("membership") == pytest.approx(0.2)
    assert metrics.advantage("attribute") == 0.1
    assert metrics.advantage("evasion") is None
    assert metrics.games == ("membership", "attribute")


def test_the_papers_score_is_a_quotient(done: MakeDone) -> None:
    """Of task accuracy and that of the attack that is right most often, or of the one named."""
    finished = done(accuracy=0.4, mia=0.6)

    assert read(finished).mia_accuracy == pytest.approx(0.6)
    assert read(finished).tm_score == pytest.approx(0.4 / 0.6)
    assert read(finished, mia="gap").tm_score == pytest.approx(0.4 / 0.5)


def test_canaries_and_low_error_rates_are_stated_by_attacker(done: MakeDone) -> None:
    """Where the pool resolves them; the weaker attack has neither."""
    results = done().results
    canaries = membership_record(
        0.5, auc=0.9, operating_points=[point(0.1, 0.8), point(0.01, 0.4), point(0.001, None)]
    )
    strict = results.audit["loss"].model_copy(
        update={
            "operating_points": membership_record(
                0.2, operating_points=[point(0.01, 0.05), point(0.001, 0.02)]
            ).operating_points,
            "canaries": canaries,
        }
    )
    audit = {"loss": strict, "gap": results.audit["gap"]}

    found = read_run_metrics(
        results.model_copy(update={"audit": audit}), performance="accuracy", seconds=None, mia=None
    ).audit

    rates = {name: value for name, value in found["loss"].measures.items() if "tpr" in name}
    assert rates == {
        "tpr_at_1_percent_fpr": 0.05,
        "tpr_at_0.1_percent_fpr": 0.02,
        "canaries_tpr_at_1_percent_fpr": 0.4,
    }
    assert found["loss"].measures["canaries_auc"] == 0.9
    assert not [name for name in found["gap"].measures if "tpr" in name or "canaries" in name]


def test_without_a_membership_attack_there_is_no_score(done: MakeDone) -> None:
    """Rather than one of 0."""
    results = done().results
    probe = {name: one for name, one in results.audit.items() if one.game == "attribute"}

    metrics = read_run_metrics(
        results.model_copy(update={"audit": probe}), performance="accuracy", seconds=None, mia=None
    )

    assert (metrics.mia_accuracy, metrics.tm_score, metrics.auc) == (None, None, None)
    assert metrics.lift == 0.2
