"""Means over seeds, and whether two variants differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from safecompress_core.compare.seed_statistics import is_best, summary
from safecompress_core.results.schema import SummaryRecord


def test_the_interval_is_students() -> None:
    """By hand: mean 2, deviation 1, so 2 ± 4.3027 · 1/√3 with two degrees of freedom."""
    found = summary([1.0, 2.0, 3.0])

    assert found.mean == 2.0
    assert found.interval == pytest.approx((2 - 2.48414, 2 + 2.48414), abs=1e-5)
    assert found.values == (1.0, 2.0, 3.0)


def test_a_single_seed_has_no_interval() -> None:
    """It tells nothing of the spread."""
    assert summary([0.5]) == SummaryRecord(mean=0.5, interval=None, values=(0.5,))


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=6, unique=True))
def test_the_interval_is_scipys(thousandths: list[int]) -> None:
    """Held against the distribution's own method."""
    values = [one / 1000 for one in thousandths]
    low, high = stats.t.interval(0.95, len(values) - 1, stats.tmean(values), stats.sem(values))

    assert summary(values).interval == pytest.approx((low, high))


def test_seeds_are_paired() -> None:
    """A gain that is the same in every seed shows, however far the seeds lie apart."""
    luck = [0.1, 0.5, 0.9]
    better = [one + 0.02 for one in luck]

    assert is_best(better, [luck], higher_is_better=True)
    assert not is_best(better, [luck], higher_is_better=False)
    assert not is_best(luck, [better], higher_is_better=True)


def test_a_lead_that_seeds_explain_is_none() -> None:
    """Paired gains of 0.3, −0.1 and 0.1: p = 0.42."""
    assert not is_best([0.8, 0.4, 0.6], [[0.5, 0.5, 0.5]], higher_is_better=True)


def test_it_has_to_lead_all_the_others() -> None:
    """The better of two equals is not the best."""
    low, high = [0.1, 0.2, 0.3], [0.5, 0.6, 0.7]

    assert is_best(high, [low], higher_is_better=True)
    assert not is_best(high, [low, high], higher_is_better=True)


def test_many_comparisons_ask_for_more() -> None:
    """A lead of p = 0.020 over one variant is sure; over four of them one needs p = 0.0125."""
    own, near = [0.61, 0.64, 0.61], [0.555, 0.562, 0.560]
    assert 0.0125 < stats.ttest_rel(own, near).pvalue < 0.05

    assert is_best(own, [near], higher_is_better=True)
    assert not is_best(own, [near] * 4, higher_is_better=True)


@pytest.mark.parametrize(("own", "others"), [([0.9], [[0.1]]), ([0.9, 0.8], [])])
def test_one_seed_or_no_rival_makes_nothing_best(
    own: list[float], others: list[list[float]]
) -> None:
    """There is nothing to test."""
    assert not is_best(own, others, higher_is_better=True)
