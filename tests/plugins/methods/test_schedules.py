"""When a method prunes, held against cases worked out by hand."""

import doctest

import pytest

from safecompress_plugins.methods import schedules
from safecompress_plugins.methods.schedules import Cubic, boundaries, boundary


def test_the_cubic_schedule_is_zhu_and_guptas() -> None:
    """Their Eq. 1 gives sparsity 0.9 − 0.9·(1 − p)³: at a quarter 0.5203, at a half 0.7875."""
    schedule = Cubic(start=100, end=180, density=0.1)

    found = [1 - schedule.at(epoch) for epoch in (50, 100, 120, 140, 180, 200)]

    assert found == pytest.approx([0, 0, 0.9 - 0.9 * 0.75**3, 0.7875, 0.9, 0.9])
    assert schedule.at(180) == 0.1


def test_a_network_is_pruned_every_so_often_and_at_the_end() -> None:
    """The first time after an interval: at the start nothing is due."""
    assert list(Cubic(start=100, end=180, density=0.1).steps(30)) == [130, 160, 180]
    assert list(Cubic(start=1, end=2, density=0.1).steps(5)) == [2]


@pytest.mark.parametrize("epochs", [3, 4, 7, 200])
@pytest.mark.parametrize(("first", "second"), [(0.01, 0.02), (0.5, 0.8), (0.98, 0.99)])
def test_no_phase_is_empty(epochs: int, first: float, second: float) -> None:
    """Whatever the shares round to."""
    start, end = boundaries(epochs, first, second)

    assert 1 <= start < end <= epochs - 1
    assert 1 <= boundary(epochs, first) <= epochs - 1


def test_the_examples_hold() -> None:
    """In the docstrings."""
    assert doctest.testmod(schedules).failed == 0
