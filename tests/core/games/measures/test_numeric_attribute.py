"""Absolute error on a numeric attribute, compared with the imputation's."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error
from torch import Tensor

from safecompress_core.data.dataset import Dataset
from safecompress_core.games.attribute import AttributeGame
from safecompress_core.games.manifest import ATTRIBUTE
from safecompress_core.games.measures.numeric_attribute import error_reduction, predict_numbers
from safecompress_core.games.scores import AttackScores
from safecompress_core.stats.resampling import Resampling

EDGES = torch.tensor([280.0, 310.0, 345.0], dtype=torch.float64)  # of the ink of a digit


def draws(count: int) -> Resampling:
    """A thousand of so many samples, half of them members."""
    generator = np.random.default_rng(18)
    return Resampling.draw_stratified(np.arange(count) % 2, draws=1000, generator=generator)


@pytest.fixture(scope="module")
def ink(all_digits: Dataset) -> Tensor:
    """Ink of each digit, in pixels of 16 shades."""
    return (all_digits.inputs * 16).sum(dim=1).double()


def answers(all_digits: Dataset, ink: Tensor, rows: slice, scores: Tensor) -> AttackScores:
    """Of some digits; what is public of them is their upper quarter."""
    numbers = ink[rows]
    return AttackScores(
        scores=scores[rows],
        truth=torch.bucketize(numbers, EDGES),
        labels=all_digits.labels[rows],
        is_member=torch.arange(len(numbers)) % 2 == 1,
        public=all_digits.inputs[rows, :16],
        numbers=numbers,
    )


def test_the_likeliest_interval_stands_for_its_median() -> None:
    """Scores that are no probabilities; the last interval has no known sample."""
    known = np.array([1.0, 2.0, 9.0, 20.0, 22.0])
    intervals = np.array([0, 0, 0, 1, 1])
    scores = np.array([[3.0, 1.0, 0.0], [-2.0, -1.0, -5.0], [0.0, 0.0, 7.0]])

    assert predict_numbers(scores, known, intervals).tolist() == [2.0, 21.0, 9.0]


def test_probabilities_are_taken_at_their_word() -> None:
    """0.4 of 1 to 11, 0.2 of 21 to 31, 0.4 of 41 to 51: the middle of the middle interval is 26.

    With 0.6 of the first, five sixths of it are below the median; of certainty, half of it.
    """
    known = np.concatenate([np.arange(11) + start for start in (41.0, 1.0, 21.0)])
    intervals = np.repeat([0, 1, 2], 11)  # the order of intervals is that of their numbers
    scores = np.array([[0.4, 0.4, 0.2], [0.4, 0.6, 0.0], [0.0, 0.0, 1.0]])

    found = predict_numbers(scores, known, intervals)

    np.testing.assert_allclose(found, [26.0, 1 + 10 * 5 / 6, 26.0])


def test_mean_absolute_errors_are_scikit_learns(all_digits: Dataset, ink: Tensor) -> None:
    """Of an attack that scores the true interval, and of the guess; lift is their difference."""
    scores = torch.eye(4)[torch.bucketize(ink, EDGES)]
    known, asked = (
        answers(all_digits, ink, rows, scores) for rows in (slice(0, 400), slice(400, 1797))
    )

    result = AttributeGame(ATTRIBUTE).measure_scores(known, asked)

    found = result.absolute_error
    assert found is not None
    assert known.numbers is not None
    assert asked.numbers is not None
    middles = np.array([np.median(known.numbers[known.truth == one]) for one in range(4)])
    theirs = mean_absolute_error(asked.numbers, middles[asked.truth])
    assert found.mae.value == pytest.approx(theirs)
    assert found.rule in ("ridge", "boosting")
    assert found.baseline > 2 * found.mae.value
    assert found.lift.value == pytest.approx(found.baseline - found.mae.value)
    assert found.lift.low < found.lift.value < found.lift.high
    assert result.advantage.value == pytest.approx(1 - found.mae.value / found.baseline)
    assert result.accuracy.value == 1.0


def test_advantages_in_draws_are_of_the_errors(all_digits: Dataset, ink: Tensor) -> None:
    """Candidates are compared by these draws, and the interval is close to theirs."""
    scores = torch.eye(4)[torch.bucketize(ink, EDGES)]
    known, asked = (
        answers(all_digits, ink, rows, scores) for rows in (slice(0, 200), slice(200, 400))
    )
    resampling = draws(200)

    result = AttributeGame(ATTRIBUTE).measure_scores(known, asked)

    found = result.absolute_error
    assert found is not None
    picked = np.repeat(np.arange(200), resampling.weights[7])
    by_hand = 1 - found.errors[picked].mean() / found.baseline_errors[picked].mean()
    drawn = result.advantages(resampling)
    assert drawn[7] == pytest.approx(by_hand)
    middle = np.quantile(drawn, [0.025, 0.975])
    assert result.advantage.interval == pytest.approx(middle, abs=0.01)


def test_an_attack_that_is_further_off_than_the_guess_has_no_advantage() -> None:
    """Advantage is in [0, 1]; 0 as well where the guess is never off."""
    assert error_reduction(3.0, 2.0) == 0.0
    assert error_reduction(1.0, 4.0) == 0.75
    assert error_reduction(0.0, 4.0) == 1.0
    assert error_reduction(0.0, 0.0) == 0.0


def test_json_of_a_numeric_attribute_has_its_documented_keys(
    all_digits: Dataset, ink: Tensor
) -> None:
    """In addition to those of every attribute."""
    scores = torch.zeros(1797, 4)
    asked = answers(all_digits, ink, slice(0, 100), scores)

    document = AttributeGame(ATTRIBUTE).measure_scores(asked, asked).to_json()

    own = {"mae", "mae_interval", "baseline_mae", "mae_lift", "mae_lift_interval", "mae_rule"}
    assert own | {"lift", "accuracy", "baseline_rule"} <= set(document)
    json.dumps(document, allow_nan=False)
