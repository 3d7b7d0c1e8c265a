"""Simulated schedules against cases that are worked out by hand."""

import pytest

from safecompress_core.execution.schedule import Stage, simulate


def test_a_free_worker_takes_the_next_unit() -> None:
    """3, 3, 2, 2, 2 on two workers: 3 + 2 + 2 on one, 3 + 2 on the other."""
    schedule = simulate([Stage(name="units", seconds=(3, 3, 2, 2, 2))], 2)

    assert schedule.seconds == 7
    assert schedule.work == 12
    assert schedule.utilisation == 12 / 14
    assert schedule.speed_up == 12 / 7
    assert schedule.critical == 3


def test_a_stage_waits_for_the_one_before() -> None:
    """What the command does itself is done by no worker."""
    stages = [
        Stage(name="first", seconds=(5.0,), is_spread=False),
        Stage(name="second", seconds=(1.0, 1.0, 1.0)),
        Stage(name="third", seconds=(4.0,)),
    ]

    schedule = simulate(stages, 2)

    assert schedule.ends == {"first": 5.0, "second": 7.0, "third": 11.0}
    assert schedule.critical == 10.0
    assert simulate(stages, 64).seconds == schedule.critical


def test_starting_counts_once_and_overhead_with_each_unit() -> None:
    """Four units of a second on two workers, in two stages."""
    stages = [Stage(name="a", seconds=(1.0, 1.0)), Stage(name="b", seconds=(1.0, 1.0))]

    assert simulate(stages, 2, start=3.0, overhead=0.5).seconds == pytest.approx(3 + 2 * 1.5)


@pytest.mark.parametrize("workers", [1, 2, 8, 64, 300])
def test_256_units_of_one_length_are_as_many_rounds_as_workers_need(workers: int) -> None:
    """256 reference models: utilisation falls where the last round is not full."""
    schedule = simulate([Stage(name="references", seconds=(10.0,) * 256)], workers)

    assert schedule.seconds == 10.0 * -(-256 // workers)
    assert schedule.critical <= schedule.seconds <= schedule.work


def test_nothing_takes_no_time() -> None:
    """Where all is done already."""
    schedule = simulate([Stage(name="none", seconds=())], 4)
    assert (schedule.seconds, schedule.utilisation, schedule.speed_up) == (0.0, 1.0, 1.0)
