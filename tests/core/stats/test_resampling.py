"""The paired bootstrap."""

import numpy as np
import pytest

from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.resampling import Resampling, centred_interval

STRATA = np.array([True] * 30 + [False] * 70)


@pytest.fixture
def resampling() -> Resampling:
    """Two thousand draws of 30 members and 70 others."""
    return Resampling.draw_stratified(STRATA, draws=2000, generator=np.random.default_rng(18))


def test_every_draw_holds_as_many_of_each_stratum_as_the_pool(resampling: Resampling) -> None:
    """So no draw lacks members, however few they are."""
    assert resampling.weights.shape == (2000, 100)
    assert (resampling.weights[:, STRATA].sum(axis=1) == 30).all()
    assert (resampling.weights[:, ~STRATA].sum(axis=1) == 70).all()


def test_a_samples_weight_is_binomial(resampling: Resampling) -> None:
    """A member is drawn 30 times with probability 1/30: mean 1, variance 29/30."""
    weights = resampling.weights[:, STRATA]

    np.testing.assert_allclose(weights.mean(axis=0), 1.0, atol=0.1)
    assert weights.var() == pytest.approx(29 / 30, rel=0.03)


def test_means_are_weighted_averages(resampling: Resampling) -> None:
    """For one thing measured, for several at once, and for a part of the samples."""
    values = np.random.default_rng(1).normal(size=(100, 3))
    where = ~STRATA

    several = resampling.means(values)
    one = resampling.means(values[:, 1])
    part = resampling.means(values, where=where)

    weights = resampling.weights[7]
    np.testing.assert_allclose(several[7], np.average(values, axis=0, weights=weights))
    np.testing.assert_allclose(one, several[:, 1])
    np.testing.assert_allclose(part[7], np.average(values[where], axis=0, weights=weights[where]))


def test_the_percentile_interval_of_a_mean_is_the_normal_one() -> None:
    """400 samples of one stratum are enough for the central limit."""
    generator = np.random.default_rng(18)
    values = generator.normal(size=400)
    resampling = Resampling.draw_stratified(np.zeros(400), draws=4000, generator=generator)

    estimate = resampling.estimate(values)

    half = 1.96 * values.std() / 20
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.interval == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.01
    )


def test_a_centred_interval_has_no_bias() -> None:
    """Draws that lie above their estimate are moved down by what they do on average."""
    draws = np.linspace(1.5, 2.5, 1001)

    found = centred_interval(1.0, draws)

    assert found.value == 1.0
    assert found.interval == pytest.approx((1 - 0.475, 1 + 0.475))


def test_a_centred_interval_holds_its_estimate() -> None:
    """One draw in a hundred is far off, and pulls the mean out of the middle of the draws."""
    draws = np.array([0.0] * 99 + [100.0])

    assert centred_interval(5.0, draws) == Estimate(5.0, 4.0, 5.0)


def test_the_same_generator_gives_the_same_draws() -> None:
    """Candidates that are tested on different days still share their draws."""
    first, second = (
        Resampling.draw_stratified(STRATA, draws=5, generator=np.random.default_rng(3))
        for _ in range(2)
    )

    np.testing.assert_array_equal(first.weights, second.weights)


def test_values_of_another_pool_are_refused(resampling: Resampling) -> None:
    """A resample of 100 samples says nothing of 99."""
    with pytest.raises(ValueError, match="99 values for resamples of 100 samples"):
        resampling.means(np.zeros(99))
