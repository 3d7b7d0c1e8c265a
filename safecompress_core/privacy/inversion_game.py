"""Inversion: how near does a reconstruction come to what the model was trained on?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log10
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from safecompress_core.api import Game
from safecompress_core.privacy.intervals import CONFIDENCE, Estimate
from safecompress_core.privacy.means import error_mean, relative_reduction

__all__ = ["Reconstruction", "judge_inversion", "psnr"]

# K reconstructed things · D values of an input

Array = NDArray[np.float64]

EXACT = 1e-12  # of the range squared: beyond it, float32 inputs are the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruction:
    """How well an inversion attack did.

    Attributes:
        units: what was reconstructed.
        count: how many of them.
        error: mean squared error of an input's value, over all units.
        baseline: that of the population's mean, which needs no model.
        advantage: 1 − error / baseline, in [0, 1].
        measures: what else was measured, by name.
        facts: the terms that these figures hold on, JSON-ready.
    """

    units: Literal["classes", "samples"]
    count: int
    error: Estimate
    baseline: float
    advantage: Estimate
    measures: Mapping[str, Estimate] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    game: Game = Game.INVERSION

    def to_json(self) -> dict[str, Any]:
        """``game``, ``n``, ``units``, ``baseline``, every measure with its interval, the facts."""
        found = {"error": self.error, "advantage": self.advantage, **self.measures}
        document: dict[str, Any] = {
            "game": str(self.game),
            "n": self.count,
            "units": self.units,
            "baseline": self.baseline,
        }
        for name, estimate in found.items():
            document |= {name: estimate.value, f"{name}_interval": list(estimate.interval)}
        return document | dict(self.facts)


def judge_inversion(
    reconstructed: Array,
    truth: Array,
    population: Array,
    *,
    units: Literal["classes", "samples"],
    width: float,
    measures: Mapping[str, Estimate],
    facts: Mapping[str, Any],
    confidence: float = CONFIDENCE,
) -> Reconstruction:
    """Reconstruction error against that of the population's mean, over the units.

    Args:
        reconstructed: shape (K, D).
        truth: what it should have been, shape (K, D).
        population: the mean of data that the model never saw, shape (D,).
        units: what the K things are.
        width: the highest less the lowest value that an input can have; for the PSNR.
        measures: what else was measured.
        facts: what else is to be told.
        confidence: of every interval.

    Raises:
        ValueError: if the reconstruction is of another shape or not finite.
    """
    if reconstructed.shape != truth.shape:
        raise ValueError(f"reconstructions must be {truth.shape}, but are {reconstructed.shape}")
    if not np.isfinite(reconstructed).all():
        raise ValueError("reconstructions are not all finite numbers")
    errors = ((reconstructed - truth) ** 2).mean(axis=1)  # (K,)
    without = ((population - truth) ** 2).mean(axis=1)
    error = error_mean(errors, confidence=confidence)
    return Reconstruction(
        units=units,
        count=len(errors),
        error=error,
        baseline=float(without.mean()),
        advantage=relative_reduction(errors, without, confidence=confidence),
        measures={"psnr": psnr(error, width), **measures},
        facts=facts,
    )


def psnr(error: Estimate, width: float) -> Estimate:
    """Peak signal-to-noise ratio in dB, 10·log₁₀(width² / error), at most 120."""
    value, low, high = (
        -10 * log10(max(end / width**2, EXACT)) for end in (error.value, error.high, error.low)
    )
    return Estimate(value, low, high)
