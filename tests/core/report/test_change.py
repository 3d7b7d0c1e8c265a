"""Changes from the uncompressed to the compressed model."""

import pytest

from safecompress_core.report.change import direction
from safecompress_core.results.schema import EstimateRecord


def measured(value: float, low: float, high: float) -> EstimateRecord:
    """An estimate with its interval."""
    return EstimateRecord(value=value, interval=(low, high))


OLD = measured(0.7, 0.65, 0.75)


@pytest.mark.parametrize(
    ("new", "found"),
    [
        (measured(0.6, 0.55, 0.64), "better"),
        (measured(0.8, 0.76, 0.84), "worse"),
        (measured(0.74, 0.71, 0.78), "same"),
        (measured(0.6, 0.49, 0.71), "same"),
        (measured(0.65, 0.60, 0.69), "same"),
    ],
)
def test_a_change_counts_only_if_neither_estimate_is_in_the_others_interval(
    new: EstimateRecord, found: str
) -> None:
    """Ends belong to an interval; lower is better of what an attack finds."""
    assert direction(OLD, new, higher_is_better=False) == found


def test_the_better_way_is_said_by_the_caller() -> None:
    """A task's accuracy may rise."""
    new = measured(0.8, 0.76, 0.84)

    assert direction(OLD, new, higher_is_better=True) == "better"
    assert direction(new, OLD, higher_is_better=True) == "worse"
