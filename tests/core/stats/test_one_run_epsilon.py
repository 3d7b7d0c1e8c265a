"""Bounds on ε from one run: against published code, definitions, and mechanisms of a known ε."""

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import binom, binomtest, norm

from safecompress_core.stats.one_run_epsilon import (
    approximate_epsilon,
    approximate_p_value,
    choose_guesses,
    gaussian_delta,
    gaussian_epsilon,
)

PUBLISHED = [
    # m, r, v, δ: ε of (ε, δ)-DP; ε of Gaussian mechanisms. Both at a confidence of 0.95.
    #
    # Computed on 1 December 2026 with scipy 1.17.1 by the authors' own functions, not by ours: the
    # former by `get_eps_audit` of Steinke, Nasr & Jagielski 2023, appendix D (arXiv:2305.08846);
    # the latter by `rh_with_cap` and `audit_rh_with_cap` of Mahloujifar, Melis & Chaudhuri 2024
    # (arXiv:2410.22235), as facebookresearch/PrivacyGuard has them (fdp_analysis_node.py), with
    # their grid of noises replaced by a bisection. The formulas of google-deepmind/jax_privacy
    # (`auditing.py`) come to both of ours as well, to 1e-6 for twelve draws of m, r, v and δ.
    ((1000, 100, 90, 0.0), 1.630823, None),
    ((1000, 100, 100, 0.0), 3.492965, None),
    ((1000, 100, 90, 1e-5), 1.626143, 2.456405),
    ((1000, 1000, 700, 1e-5), 0.731740, 1.371979),
    ((5000, 1000, 950, 1e-5), 2.696535, 4.094079),
    ((400, 100, 100, 1e-3), 2.102177, 4.661423),
    ((100_000, 1500, 1429, 1e-5), 2.668754, 3.299235),
    ((200, 50, 30, 1e-5), 0.0, 0.0),
]


@pytest.mark.parametrize(("counts", "approximate", "gaussian"), PUBLISHED)
def test_bounds_are_those_of_the_published_code(
    counts: tuple[int, int, int, float], approximate: float, gaussian: float | None
) -> None:
    """To four decimal places; the provenance is beside the table."""
    coins, guesses, correct, delta = counts
    where = {"coins": coins, "guesses": guesses, "correct": correct, "delta": delta}

    assert approximate_epsilon(**where) == pytest.approx(approximate, abs=1e-4)
    if gaussian is not None:
        assert gaussian_epsilon(**where) == pytest.approx(gaussian, abs=1e-4)


@given(st.integers(1, 300), st.data(), st.sampled_from([0.9, 0.95, 0.99]))
def test_without_delta_it_is_the_smallest_that_the_inequality_allows(
    guesses: int, data: st.DataObject, confidence: float
) -> None:
    """P[Bin(r, e^ε / (1 + e^ε)) ≥ v] ≥ p by scipy's tail, and Clopper-Pearson's end as a logit."""
    correct = data.draw(st.integers(0, guesses))

    found = approximate_epsilon(
        coins=guesses, guesses=guesses, correct=correct, confidence=confidence
    )

    def slack(epsilon: float) -> float:
        tail = binom.sf(correct - 1, guesses, 1 / (1 + exp(-epsilon)))
        return float(tail) - (1 - confidence)

    expected = 0.0 if slack(0) >= 0 else brentq(slack, 0, 50)
    assert found == pytest.approx(expected, abs=1e-5)
    low = binomtest(correct, guesses, alternative="greater").proportion_ci(confidence).low
    assert found == pytest.approx(log(low / (1 - low)) if low > 0.5 else 0, abs=1e-5)


@given(st.integers(1, 60), st.data(), st.floats(0, 4), st.sampled_from([0.0, 1e-5, 1e-3, 0.02]))
def test_the_p_value_is_that_of_the_definition(
    guesses: int, data: st.DataObject, epsilon: float, delta: float
) -> None:
    """β + 2mδ · max P[v > Bin ≥ v − i] / i, summed term by term."""
    correct = data.draw(st.integers(0, guesses))
    coins = guesses + data.draw(st.integers(0, 100))
    right = binom(guesses, 1 / (1 + exp(-epsilon)))
    shares = [
        sum(float(right.pmf(correct - step)) for step in range(1, count + 1)) / count
        for count in range(1, correct + 1)
    ]
    expected = float(right.sf(correct - 1)) + 2 * coins * delta * max(shares, default=0.0)

    found = approximate_p_value(
        coins=coins, guesses=guesses, correct=correct, epsilon=epsilon, delta=delta
    )

    assert found == pytest.approx(min(expected, 1.0), abs=1e-9)


@pytest.mark.parametrize(("mean", "epsilon"), [(0.5, 1.0), (1.0, 3.0), (2.0, 0.0)])
def test_delta_of_a_gaussian_mechanism_is_its_hockey_stick_divergence(
    mean: float, epsilon: float
) -> None:
    """The integral of max(0, p − e^ε q) over both densities, on a grid."""
    grid = np.linspace(-12, 14, 400_001)
    gap = norm.pdf(grid, mean) - exp(epsilon) * norm.pdf(grid)

    integral = np.trapezoid(np.maximum(gap, 0), grid)

    assert gaussian_delta(epsilon, mean) == pytest.approx(integral, abs=1e-8)


@pytest.mark.parametrize("counts", [(0, 0), (5, 6), (5, -1), (11, 3)])
def test_counts_that_contradict_each_other_are_refused(counts: tuple[int, int]) -> None:
    """Also more guesses than coins; and a Gaussian mechanism has no ε at a δ of 0."""
    guesses, correct = counts
    with pytest.raises(ValueError, match="cannot be right"):
        approximate_epsilon(coins=10, guesses=guesses, correct=correct)
    with pytest.raises(ValueError, match="no finite ε"):
        gaussian_epsilon(coins=10, guesses=5, correct=5, delta=0.0)


def test_a_larger_delta_and_more_confidence_prove_less() -> None:
    """And the Gaussian assumption proves more."""
    counts = {"coins": 500, "guesses": 200, "correct": 170}

    bounds = [approximate_epsilon(**counts, delta=delta) for delta in (0.0, 1e-5, 1e-3, 0.1)]

    assert bounds == sorted(bounds, reverse=True)
    assert len(set(bounds)) == 4
    assert approximate_epsilon(**counts, confidence=0.99) < bounds[0]
    assert gaussian_epsilon(**counts, delta=1e-5) > bounds[1]


def test_the_best_number_of_guesses_counts_at_its_part_of_the_error() -> None:
    """By hand: of 100 coins the clearest ten are right, and of the others half."""
    right = np.arange(100) % 2 == 0
    right[:10] = True

    found = choose_guesses(right, shares=(0.1, 0.5, 1.0), delta=1e-5)

    assert (found.guesses, found.correct) == (10, 10)
    each = 1 - 0.05 / 3
    counts = {"coins": 100, "guesses": 10, "correct": 10, "delta": 1e-5, "confidence": each}
    assert found.epsilon == approximate_epsilon(**counts)
    assert found.gaussian == gaussian_epsilon(**counts)
    assert choose_guesses(right, shares=(1.0,)).gaussian is None


@pytest.mark.parametrize(("right", "shares"), [([], (0.5,)), ([True], ())])
def test_nothing_to_choose_from_is_refused(right: list[bool], shares: tuple[float, ...]) -> None:
    """No coin, or no number of guesses."""
    with pytest.raises(ValueError, match="shares of them"):
        choose_guesses(np.array(right, dtype=bool), shares=shares)


def bounds_of_gaussian_coins(mean: float, *, runs: int = 300) -> list[tuple[float, float]]:
    """Both bounds on pairs that a Gaussian mechanism shows: of 400 pairs the difference of bits.

    Each coin is released with noise of a standard deviation of 1 / mean; the score is the answer.
    """
    found = []
    for seed in range(runs):
        generator = np.random.default_rng(seed)
        coins = generator.random(400) < 0.5
        shown = mean * np.where(coins, 0.5, -0.5) + generator.normal(size=400)
        order = np.argsort(-np.abs(shown))
        right = ((shown > 0) == coins)[order]
        best = choose_guesses(right, shares=(0.1, 0.25, 0.5), delta=1e-5)
        assert best.gaussian is not None
        found.append((best.epsilon, best.gaussian))
    return found


@pytest.mark.parametrize("mean", [0.5, 1.0, 2.0])
def test_both_bounds_are_below_the_truth_of_a_gaussian_mechanism(mean: float) -> None:
    """In at least 95 % of 300 runs, the choice of guesses included; and the tighter one is near."""
    truth = brentq(lambda epsilon: gaussian_delta(epsilon, mean) - 1e-5, 0, 50)

    approximate, gaussian = np.array(bounds_of_gaussian_coins(mean)).T

    assert (gaussian <= truth).mean() >= 0.95
    assert (approximate <= truth).mean() >= 0.95
    assert gaussian.mean() > approximate.mean()
    assert mean < 2 or gaussian.mean() > 0.4 * truth


@pytest.mark.parametrize("epsilon", [0.0, 1.0, 2.0])
def test_the_bound_is_below_the_truth_of_randomised_response(epsilon: float) -> None:
    """Each of 400 bits is flipped with probability 1 / (1 + e^ε), which is exactly ε-DP."""
    covered = 0
    for seed in range(400):
        generator = np.random.default_rng(seed)
        right = generator.random(400) < 1 / (1 + exp(-epsilon))
        best = choose_guesses(right, shares=(0.1, 0.25, 0.5))
        covered += best.epsilon <= epsilon

    assert covered / 400 >= 0.93
