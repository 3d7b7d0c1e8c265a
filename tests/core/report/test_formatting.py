"""Numbers and lists as people write them."""

import pytest

from safecompress_core.report.formatting import (
    and_list,
    duration,
    format_distinct,
    format_fraction,
    or_list,
    size,
)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (3599.4, "59:59"), (3599.6, "1:00:00")]
)
def test_seconds_are_rounded_before_they_become_minutes(seconds: float, text: str) -> None:
    """There is no minute of 60 seconds."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_499, "999 kB"), (999_500, "1.0 MB")],
)
def test_a_size_never_reads_as_a_thousand_of_a_unit(count: int, text: str) -> None:
    """The next unit begins where three figures end; large files are in GB."""
    assert size(count) == text
    assert size(2_340_000_000) == "2.3 GB"


def test_figures_that_differ_read_differently() -> None:
    """Up to ten decimals are added; equal figures get none."""
    assert format_distinct(0.1 + 0.2, 0.3) == "0.300"
    assert format_distinct(0.12345678, 0.12345679) == "0.12345678"


def test_a_small_share_keeps_two_figures() -> None:
    """The rounded share is close to the exact one."""
    for value in (0.5, 0.0123, 0.00456, 7.89e-6):
        assert float(format_fraction(value)) == pytest.approx(value, rel=0.05)


def test_a_list_of_one_has_no_joint() -> None:
    """Of two there is no comma."""
    assert and_list(["a"]) == or_list(["a"]) == "a"
    assert and_list(["a", "b"]) == "a and b"
    assert or_list(["a", "b", "c"]) == "a, b or c"
