"""The time that a run has left, by hand-made measurements."""

import pytest

from safecompress_core.results.time_estimate import RemainingWork, TimeLeft


class Clock:
    """A clock that a test advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time that an estimate reads."""
    return Clock()


@pytest.fixture
def estimate(clock: Clock) -> RemainingWork:
    """Of a run of 100 epochs and 8 attacks."""
    estimate = RemainingWork(clock=clock)
    estimate.plan(epochs=100, attacks=8)
    return estimate


def test_nothing_is_promised_before_a_step_was_measured(estimate: RemainingWork) -> None:
    """A method without a known number of epochs has no estimate either."""
    assert estimate.left is None

    unknown = RemainingWork()
    unknown.plan(epochs=None, attacks=None)
    unknown.add_training(1, 2.0)
    assert unknown.left is None


def test_until_an_attack_is_timed_training_alone_is_counted(estimate: RemainingWork) -> None:
    """A tenth of an epoch in 0.2 seconds: 99.9 more take 199.8."""
    estimate.add_training(0.1, 0.2)

    assert estimate.left == TimeLeft(pytest.approx(199.8), counts_attacks=False)


def test_attacks_take_what_is_not_training(estimate: RemainingWork, clock: Clock) -> None:
    """10 epochs in 20 s and 2 attacks in 30 s: 90 × 2 s and 6 × 15 s are left."""
    estimate.add_training(10, 20.0)
    estimate.add_attack()
    estimate.add_attack()
    clock.now = 50.0

    assert estimate.left == TimeLeft(pytest.approx(180 + 90), counts_attacks=True)


def test_what_was_done_before_counts_and_has_no_pace(estimate: RemainingWork, clock: Clock) -> None:
    """A resumed run: 60 epochs and 6 attacks of an earlier attempt took no time of this one."""
    estimate.skip(epochs=60, attacks=6)
    assert estimate.left is None

    estimate.add_training(10, 20.0)
    estimate.add_attack()
    clock.now = 25.0

    assert estimate.left == TimeLeft(pytest.approx(30 * 2.0 + 5.0), counts_attacks=True)


def test_recent_epochs_count_more(estimate: RemainingWork) -> None:
    """50 dense epochs of 1 s, then 30 sparse ones of 3 s: the 20 left take nearly 3 s each."""
    for seconds, count in ((1.0, 50), (3.0, 30)):
        for _ in range(count):
            estimate.add_training(1, seconds)

    left = estimate.left
    assert left is not None
    assert 20 * 2.7 < left.seconds < 20 * 3.0


def test_more_work_than_planned_leaves_nothing(estimate: RemainingWork, clock: Clock) -> None:
    """The end of a run is not before its beginning."""
    estimate.add_training(120, 20.0)
    for _ in range(9):
        estimate.add_attack()
    clock.now = 30.0

    assert estimate.left == TimeLeft(0.0, counts_attacks=True)
