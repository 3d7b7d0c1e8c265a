"""The paired bootstrap: one set of resamples that everything measured on a pool shares.

Candidates and attacks are compared on the same draws, so that what they have in common (the same
hard samples) cancels in their difference.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safecompress_core.stats.intervals import CONFIDENCE, Estimate
from safecompress_core.stats.roc import Array

__all__ = ["Resampling", "centred_interval", "percentile_interval"]

# B draws · N samples · K things measured

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """B stratified draws, with replacement, of the N samples of a pool.

    Attributes:
        weights: shape (B, N), int32: how often each draw holds each sample.
    """

    weights: NDArray[np.int32]

    @classmethod
    def draw_stratified(
        cls, strata: Array, *, draws: int, generator: np.random.Generator
    ) -> "Resampling":
        """Draw within each stratum as many as it has, so that no draw lacks a side.

        Args:
            strata: shape (N,), what a sample belongs to; membership, as a rule.
            draws: B, at least 1.
            generator: what the draws come from.
        """
        groups = np.asarray(strata)
        # int32 weights: B × N of them are the largest array of an evaluation.
        weights = np.zeros((draws, len(groups)), dtype=np.int32)
        # np.unique sorts, which fixes the order of the random draws.
        for group in np.unique(groups):
            positions = np.flatnonzero(groups == group)
            size = len(positions)
            drawn = generator.integers(size, size=(draws, size))
            # Each draw has its own range of cells, so one bincount counts all draws.
            cells = drawn + size * np.arange(draws)[:, None]
            counts = np.bincount(cells.ravel(), minlength=draws * size)
            weights[:, positions] = counts.reshape(draws, size)
        return cls(weights)

    def __len__(self) -> int:
        return len(self.weights)

    def take(self, positions: NDArray[np.int64]) -> "Resampling":
        """The same draws of some of the samples, by position; a draw may hold more or fewer."""
        return Resampling(self.weights[:, positions])

    def means(self, values: Array, *, where: Array | None = None) -> Floats:
        """The mean in every draw: (B,) for values (N,), (B, K) for values (N, K).

        Args:
            values: what is averaged over samples.
            where: shape (N,), bool; only these samples count. At least one of them must be in
                every draw, which whole strata always are.
        """
        weights, numbers = self.weights, np.asarray(values, dtype=np.float64)
        # Numpy would broadcast a single value instead of failing.
        if len(numbers) != weights.shape[1]:
            raise ValueError(f"{len(numbers)} values for resamples of {weights.shape[1]} samples")
        # Restricted after drawing: all measurements share the same resamples.
        if where is not None:
            weights, numbers = weights[:, where], numbers[where]
        # Draws differ in how many of a subset they contain.
        totals = weights.sum(axis=1)
        means: Floats = (weights @ numbers) / (totals if numbers.ndim == 1 else totals[:, None])
        return means

    def estimate(
        self, values: Array, *, where: Array | None = None, confidence: float = CONFIDENCE
    ) -> Estimate:
        """The mean of values (N,), or of some of them, with its percentile interval."""
        numbers = np.asarray(values, dtype=np.float64)
        value = float(np.mean(numbers if where is None else numbers[where]))
        return percentile_interval(value, self.means(values, where=where), confidence=confidence)


def percentile_interval(value: float, draws: Array, *, confidence: float = CONFIDENCE) -> Estimate:
    """A point estimate with the middle ``confidence`` of its bootstrap draws (B,).

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    tail = (1 - confidence) / 2
    # Equal tails on both sides.
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def centred_interval(value: float, draws: Array, *, confidence: float = CONFIDENCE) -> Estimate:
    """A point estimate with an interval as wide as the draws (B,), after their bias is removed.

    A statistic that is no smooth function of means, such as a largest difference or a calibration
    error, is larger in resamples than in the sample; the draws are moved so that their mean is the
    estimate.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 10.2, for the
    estimate of the bias.
    """
    numbers = np.asarray(draws, dtype=np.float64)
    moved = percentile_interval(value, numbers + (value - numbers.mean()), confidence=confidence)
    # A very skewed distribution may leave out its own mean.
    return Estimate(value, min(moved.low, value), max(moved.high, value))
