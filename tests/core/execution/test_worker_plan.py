"""Plans of a run on several workers, against schedules worked out by hand."""

from typing import Any

import pytest

from safecompress_core.execution.settings import HERE, Execution
from safecompress_core.execution.worker_plan import OVERHEAD, START, plan_workers


def job(name: str, epochs: int, **facts: Any) -> dict[str, Any]:
    """A job of a plan."""
    plain = {"models": 1, "candidates": (), "field": (), "abreast": 0, "twins": False}
    return {"name": name, "epochs": epochs, **plain, **facts}


def document(*jobs: dict[str, Any], steps: int | None = 10) -> dict[str, Any]:
    """A plan whose epochs take a second."""
    measured = {"step_seconds": 0.1, "peak_bytes": 10**9, "parameters": 1000, "samples": None}
    epochs = sum(each["epochs"] for each in jobs)
    return {
        "jobs": jobs, "steps": steps, "epochs": epochs, "samples": 500, "classes": 10,
        "measured": measured,
    }  # fmt: skip


RACE = job("method", 60, field=(3, 2, 1), candidates=(3, 2, 5), twins=True)
REFERENCES = job("reference models, compressed", 80, models=8)


def test_references_are_units_and_the_uncompressed_model_is_none() -> None:
    """10 seconds, then eight units of 10 seconds on two workers."""
    planned = plan_workers(
        document(job("uncompressed model", 10), REFERENCES), Execution(workers=2)
    )

    assert planned is not None
    assert planned.units == 8
    assert planned.alone == 90
    assert planned.critical == 20
    assert planned.seconds == pytest.approx(10 + START["processes"] + 4 * (10 + OVERHEAD))
    assert planned.worker_hours == pytest.approx(2 * planned.seconds / 3600)
    assert (planned.bytes_a_worker, planned.bytes_moved) == (10**9, 0)


def test_lineages_of_a_round_are_units_unless_candidates_are_derived() -> None:
    """Rounds of 30, 20 and 10 seconds; the last derives, so the command does it."""
    planned = plan_workers(document(RACE), Execution(executor="ray", workers=64))

    assert planned is not None
    assert planned.units == 5
    assert planned.seconds == pytest.approx(START["ray"] + 2 * (10 + OVERHEAD) + 10)
    # Six lineages with twins, 16 bytes a parameter, there and back.
    assert planned.bytes_moved == 2 * 16 * 1000 * 2 * 6


def test_trials_of_a_search_are_units_where_they_are_proposed_together() -> None:
    """Five trials of 10 seconds, two at a time: the last is alone, so the command trains it."""
    search = job("method", 50, field=(5,), candidates=(5,), abreast=2)

    planned = plan_workers(document(search), Execution(workers=8))

    assert planned is not None
    assert planned.units == 4
    assert planned.seconds == pytest.approx(START["processes"] + 2 * (10 + OVERHEAD) + 10)


def test_answers_of_references_move_and_their_weights_do_not() -> None:
    """A logit a class and a bit for each sample."""
    planned = plan_workers(document(REFERENCES), Execution(executor="ray", workers=2))

    assert planned is not None
    assert planned.bytes_moved == 8 * 500 * (10 * 4 + 1)


def test_here_is_no_overhead_and_unknown_work_has_no_plan() -> None:
    """One worker takes what the work takes."""
    planned = plan_workers(document(RACE, REFERENCES), HERE)

    assert planned is not None
    assert planned.seconds == planned.alone == 140
    assert plan_workers(document(RACE, steps=None), HERE) is None
