"""Lower bounds on ε from the guesses of one training run, as pure functions of counts.

An adversary guesses fair, independent coins: of each pair of samples which one was trained on. It
may abstain. Under differential privacy, where neighbours differ by one coin, it cannot be right too
often; the smallest ε under which what was seen is not too unlikely is a lower bound.

- `approximate_epsilon` assumes (ε, δ)-differential privacy and nothing else (Steinke et al. 2023).
- `gaussian_epsilon` assumes that the procedure is as private as a Gaussian mechanism, which DP-SGD
  nearly is; the bound is tighter (Mahloujifar et al. 2024).
- `choose_guesses` tries several numbers of guesses, and corrects for the choice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import bdtr, bdtrc, expit, ndtr, ndtri

from safecompress_core.stats.intervals import CONFIDENCE

__all__ = [
    "Guesses",
    "approximate_epsilon",
    "approximate_p_value",
    "choose_guesses",
    "gaussian_delta",
    "gaussian_epsilon",
]

# m coins · r guesses · v correct guesses

Bools = NDArray[np.bool_]

PRECISION = 1e-6
MOST = 100.0
"""Largest ε, and largest mean of a Gaussian mechanism, that are considered."""


def _check_counts(coins: int, guesses: int, correct: int) -> None:
    if guesses < 1 or not 0 <= correct <= guesses <= coins:
        raise ValueError(f"{correct} of {guesses} guesses of {coins} coins cannot be right")


def approximate_p_value(
    *, coins: int, guesses: int, correct: int, epsilon: float, delta: float
) -> float:
    """Return the largest probability of so many right guesses under (ε, δ)-differential privacy.

    β + 2mδ · max over i of P[v > Bin ≥ v − i] / i, at most 1, with Bin of r trials that succeed
    with probability e^ε / (1 + e^ε), and β = P[Bin ≥ v].

    Args:
        coins: m, those of which no guess was made included.
        guesses: r, of which none may have been chosen by its truth.
        correct: v, how many of them are right.
        epsilon: ≥ 0.
        delta: in [0, 1].

    Raises:
        ValueError: if the counts contradict each other, or there is no guess.

    Source: Steinke, Nasr & Jagielski 2023, "Privacy Auditing with One (1) Training Run", NeurIPS,
    theorem 5.2 and appendix D.
    """
    _check_counts(coins, guesses, correct)
    rate = float(expit(epsilon))
    beta = float(bdtrc(correct - 1, guesses, rate)) if correct else 1.0
    if not delta or not correct:
        return min(beta, 1.0)
    steps = np.arange(1, correct + 1)
    # P[v > Bin ≥ v − i]: the distribution function at v − 1 less that at v − i − 1.
    below = np.where(steps < correct, bdtr(np.maximum(correct - steps - 1, 0), guesses, rate), 0.0)
    alpha = float(((bdtr(correct - 1, guesses, rate) - below) / steps).max())
    return min(beta + 2 * coins * delta * alpha, 1.0)


def approximate_epsilon(
    *, coins: int, guesses: int, correct: int, delta: float = 0.0, confidence: float = CONFIDENCE
) -> float:
    """Return the largest ε ≥ 0 that the guesses reject at a δ; 0 if they reject none.

    Args:
        coins: m.
        guesses: r.
        correct: v.
        delta: in [0, 1].
        confidence: one-sided, of the bound.

    Raises:
        ValueError: as of :func:`approximate_p_value`.

    Source: as there.
    """

    def excess(epsilon: float) -> float:
        p_value = approximate_p_value(
            coins=coins, guesses=guesses, correct=correct, epsilon=epsilon, delta=delta
        )
        return (1 - confidence) - p_value

    return _largest_rejected(excess)


def gaussian_delta(epsilon: float, mean: float) -> float:
    """Return δ of a Gaussian mechanism of such a mean, in units of its noise, at ε.

    Source: Balle & Wang 2018, "Improving the Gaussian Mechanism for Differential Privacy", ICML,
    theorem 8; Dong, Roth & Su 2022, "Gaussian Differential Privacy", corollary 2.13.
    """
    shift = epsilon / mean
    return float(ndtr(mean / 2 - shift) - exp(epsilon) * ndtr(-mean / 2 - shift))


def gaussian_epsilon(
    *, coins: int, guesses: int, correct: int, delta: float, confidence: float = CONFIDENCE
) -> float:
    """Return ε at a δ of the largest Gaussian mechanism that the guesses reject; 0 if none.

    Args:
        coins: m.
        guesses: r.
        correct: v.
        delta: in (0, 1): a Gaussian mechanism has no finite ε at a δ of 0.
        confidence: one-sided, of the bound.

    Raises:
        ValueError: if the counts contradict each other, there is no guess, or δ is 0.

    Source: Mahloujifar, Melis & Chaudhuri 2024, "Auditing f-Differential Privacy in One Run",
    algorithms 3 and 4 with an alphabet of two values.
    """
    _check_counts(coins, guesses, correct)
    if not 0 < delta < 1:
        raise ValueError(f"a Gaussian mechanism has no finite ε at a δ of {delta:g}")

    def excess(mean: float) -> float:
        return _overshoot(coins, guesses, correct, mean=mean, p_value=1 - confidence)

    mean = _largest_rejected(excess)
    # Such a mean keeps ε = 0 at this δ already.
    if not mean or gaussian_delta(0.0, mean) <= delta:
        return 0.0
    highest = 1.0
    while gaussian_delta(highest, mean) > delta:
        highest *= 2
    return float(brentq(lambda e: gaussian_delta(e, mean) - delta, 0.0, highest, xtol=PRECISION))


def _overshoot(coins: int, guesses: int, correct: int, *, mean: float, p_value: float) -> float:
    """Return by how much the recursion exceeds what is possible: above 0 the mean is rejected.

    ``right`` and ``wrong`` bound the probabilities that a coin is guessed right, and wrong, while
    at least i guesses are right; the trade-off function of the mechanism ties the second to the
    first, from i = v down to 0, where both cannot exceed r / m.
    """
    right, wrong = p_value * correct / coins, p_value * (guesses - correct) / coins
    for count in range(correct - 1, -1, -1):
        raised = max(wrong, float(ndtr(ndtri(right) - mean)))
        # Neither changes any more once one step leaves both as they are.
        if raised == wrong:
            break
        right = min(right + count / (guesses - count) * (raised - wrong), 1.0)
        wrong = raised
    return right + wrong - guesses / coins


def _largest_rejected(excess: Callable[[float], float]) -> float:
    """Return the root of a falling function; 0 if it is not above 0 there."""
    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, 1.0
    while excess(high) > 0:
        if high >= MOST:
            return high
        low, high = high, high * 2
    return float(brentq(excess, low, high, xtol=PRECISION))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """Guesses of one adversary, and what they prove.

    Attributes:
        guesses: r, of the number that gives the highest ``epsilon``.
        correct: v, likewise.
        epsilon: lower bound under (ε, δ)-differential privacy.
        gaussian: lower bound if the procedure is as private as a Gaussian mechanism; None for a δ
            of 0.
    """

    guesses: int
    correct: int
    epsilon: float
    gaussian: float | None


def choose_guesses(
    is_right: Bools,
    *,
    shares: Sequence[float],
    delta: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Guesses:
    """Return the best of several numbers of guesses, each bound at its part of the error.

    With K numbers each bound has a confidence of 1 − (1 − confidence) / K, so that the highest one
    holds with the stated confidence, though it was chosen by the outcome (Bonferroni).

    Args:
        is_right: of every coin whether its guess is right, the clearest guess first, shape (m,).
        shares: of coins that are guessed, in (0, 1], stated before.
        delta: in [0, 1).
        confidence: one-sided, of the result.

    Raises:
        ValueError: if there is no coin or no share.
    """
    if not len(is_right) or not shares:
        raise ValueError(f"there are {len(is_right)} coins and {len(shares)} shares of them")
    each = 1 - (1 - confidence) / len(shares)
    found = []
    for share in shares:
        # At least one guess: none proves nothing.
        guesses = max(1, round(share * len(is_right)))
        correct = int(is_right[:guesses].sum())
        counts = {"coins": len(is_right), "guesses": guesses, "correct": correct}
        epsilon = approximate_epsilon(**counts, delta=delta, confidence=each)
        gaussian = gaussian_epsilon(**counts, delta=delta, confidence=each) if delta else None
        found.append(Guesses(guesses=guesses, correct=correct, epsilon=epsilon, gaussian=gaussian))
    # Of equal bounds the first number counts.
    best = max(found, key=lambda one: one.epsilon)
    gaussians = [one.gaussian for one in found if one.gaussian is not None]
    return replace(best, gaussian=max(gaussians, default=None))
