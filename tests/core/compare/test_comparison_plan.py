"""The time that a comparison has left."""

import pytest

from safecompress_core.compare.comparison_plan import ComparisonPlan, Pace, PlannedRun


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def plan(*runs: tuple[str, int | None, bool]) -> ComparisonPlan:
    """Runs by label, their epochs, and whether they were finished before."""
    return ComparisonPlan(
        name="trial",
        runs=tuple(
            PlannedRun(
                label=label, directory=label, epochs=epochs, tests=0, trainings=1.0, is_done=is_done
            )
            for label, epochs, is_done in runs
        ),
        shared_epochs=0,
        steps=None,
    )


def test_runs_that_were_finished_before_took_no_time() -> None:
    """100 of 400 epochs in 10 seconds: 300 more take 30; with the last run nothing is left."""
    clock = Clock()
    pace = Pace(plan(("a", 1000, True), ("b", 100, False), ("c", 300, False)), clock=clock)

    pace.add_run("a")
    assert pace.left is None
    clock.now = 10.0
    pace.add_run("b")
    assert pace.left == pytest.approx(30.0)
    pace.add_run("c")
    assert pace.left is None


def test_where_a_method_tells_no_epochs_runs_count_alike() -> None:
    """Two of three runs in 8 seconds."""
    clock = Clock()
    pace = Pace(plan(("a", 10, False), ("b", None, False), ("c", 500, False)), clock=clock)

    clock.now = 8.0
    pace.add_run("a")
    pace.add_run("b")

    assert pace.left == pytest.approx(4.0)
