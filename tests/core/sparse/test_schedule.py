"""The update fraction starts at α and, unless it is constant, ends at 0."""

import pytest

from safecompress_core.sparse.schedule import ScheduleName, UpdateSchedule


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        # t = 0, T/3, T/2, 2T/3, T, 2T; cos(π/3) = 1/2, cos(2π/3) = −1/2
        ("cosine", [0.4, 0.3, 0.2, 0.1, 0.0, 0.0]),
        ("linear", [0.4, 0.4 * 2 / 3, 0.2, 0.4 / 3, 0.0, 0.0]),
        ("constant", [0.4, 0.4, 0.4, 0.4, 0.4, 0.4]),
    ],
)
def test_fractions_by_hand(shape: ScheduleName, expected: list[float]) -> None:
    """Each shape has the values that its formula gives by hand, also after the end."""
    schedule = UpdateSchedule(shape=shape, fraction=0.4, end=60)

    fractions = [schedule.at(time) for time in (0, 20, 30, 40, 60, 120)]

    assert fractions == pytest.approx(expected)


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_after_the_end_the_fraction_is_exactly_zero(shape: ScheduleName) -> None:
    """No weight is replaced any more, not even by a rounding error."""
    assert UpdateSchedule(shape=shape, fraction=0.5, end=7).at(7) == 0.0


@pytest.mark.parametrize(("fraction", "end"), [(-0.1, 10), (1.1, 10), (0.5, 0)])
def test_impossible_schedules_are_refused(fraction: float, end: float) -> None:
    """α outside [0, 1] and an end that is not after the start are errors."""
    with pytest.raises(ValueError, match="update fraction is in|end of the schedule"):
        UpdateSchedule(shape="cosine", fraction=fraction, end=end)
