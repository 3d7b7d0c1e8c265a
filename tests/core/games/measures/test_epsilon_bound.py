"""The lower bound on ε from one training."""

from math import exp, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecompress_core.games.measures.epsilon_bound import (
    GuessOptions,
    MatchedPairs,
    one_run_bound,
)

PAIRS = 400
QUARTER = GuessOptions(shares=(0.25,), delta=0.0)


def lot(pairs: int = PAIRS, *, seed: int = 0, labels: int = 1) -> MatchedPairs:
    """Pairs of a pool whose first half are members."""
    is_member = np.arange(2 * pairs) < pairs
    return MatchedPairs.match_randomly(
        is_member, np.arange(2 * pairs) % labels, generator=np.random.default_rng(seed)
    )


def test_pairs_are_of_one_label_and_share_no_sample() -> None:
    """As many as each label allows; the larger side is left over."""
    is_member = np.array([True] * 6 + [False] * 9)
    labels = np.array([0, 0, 0, 1, 1, 2, 0, 0, 1, 1, 1, 1, 3, 3, 3])

    pairs = MatchedPairs.match_randomly(is_member, labels, generator=np.random.default_rng(0))

    assert len(pairs) == 2 + 2
    assert (labels[pairs.members] == labels[pairs.non_members]).all()
    assert is_member[pairs.members].all()
    assert not is_member[pairs.non_members].any()
    assert len({*pairs.members, *pairs.non_members}) == 8


def test_without_a_pair_there_is_no_bound() -> None:
    """If labels determine membership, no matched pair can be drawn."""
    pairs = MatchedPairs.match_randomly(
        np.array([True, False]), np.array([0, 1]), generator=np.random.default_rng(0)
    )

    assert one_run_bound(np.zeros(2), pairs) is None


def test_a_perfect_attack_proves_as_much_as_its_guesses_allow() -> None:
    """A quarter of 400 pairs is 100 guesses: by Steinke et al. 3.4930 at a δ of 0."""
    found = one_run_bound(np.arange(2 * PAIRS, 0.0, -1), lot(), options=QUARTER)

    assert found is not None
    assert (found.pairs, found.guesses, found.correct) == (PAIRS, 100, 100)
    assert found.epsilon == pytest.approx(3.4930, abs=5e-5)
    assert found.gaussian is None


def test_the_terms_are_recorded() -> None:
    """δ, and of the numbers of guesses the one that proves most; both bounds hold at that δ."""
    options = GuessOptions(shares=(0.1, 0.5), delta=1e-4)

    found = one_run_bound(np.arange(2 * PAIRS, 0.0, -1), lot(), options=options)

    assert found is not None
    assert (found.delta, found.guesses, found.correct) == (1e-4, 200, 200)
    assert found.gaussian is not None
    assert found.gaussian > found.epsilon
    assert found.to_json()["gaussian_lower_bound"] == found.gaussian


def test_an_inverted_attack_proves_nothing() -> None:
    """Its guesses are wrong, and are not reversed afterwards."""
    found = one_run_bound(np.arange(2.0 * PAIRS), lot())

    assert found is not None
    assert (found.correct, found.epsilon) == (0, 0.0)


def test_ties_are_decided_by_coins() -> None:
    """Constant scores are right half of the time, in either order of the sides."""
    correct = [
        bound.correct
        for seed in range(40)
        for bound in (one_run_bound(np.zeros(2 * PAIRS), lot(seed=seed), options=QUARTER),)
        if bound
    ]

    assert np.mean(correct) == pytest.approx(50, abs=3)


@given(st.integers(0, 1000))
def test_only_the_order_of_scores_counts(seed: int) -> None:
    """Any rising function of them gives the same bound; infinities are fine."""
    scores = np.random.default_rng(seed).normal(size=60).round(1)
    pairs = lot(30, seed=seed)

    first = one_run_bound(scores, pairs)
    bent = np.where(scores == scores.max(), inf, np.exp(3 * scores))

    assert first == one_run_bound(bent, pairs)


def test_guesses_do_not_depend_on_who_is_the_member() -> None:
    """Exchange the truth of any pairs: the same pairs are guessed, so nothing was chosen by it."""
    generator = np.random.default_rng(3)
    scores = generator.normal(size=2 * PAIRS)
    pairs = lot()
    turned = MatchedPairs(pairs.non_members, pairs.members, pairs.coins)

    first, second = (one_run_bound(scores, one, options=QUARTER) for one in (pairs, turned))

    assert first is not None
    assert second is not None
    assert first.correct + second.correct == first.guesses


@pytest.mark.parametrize("epsilon", [0.0, 1.0, 2.0])
def test_the_bound_is_below_the_truth_as_often_as_it_says(epsilon: float) -> None:
    """Randomised response with a known ε, each bit flipped with probability 1 / (1 + e^ε).

    The score is the bit of whether a sample looks like a member; the two of a pair share one
    secret, so substituting one sample by another is exactly ε.
    """
    generator = np.random.default_rng(4)
    wrong = 0
    for seed in range(500):
        pairs = lot(100, seed=seed)
        truthful = generator.random(100) < 1 / (1 + exp(-epsilon))
        scores = np.empty(200)
        scores[pairs.members], scores[pairs.non_members] = truthful, ~truthful
        found = one_run_bound(scores, pairs)
        assert found is not None
        wrong += found.epsilon > epsilon

    assert wrong / 500 <= 0.05 + 0.025  # 2.6 standard errors
