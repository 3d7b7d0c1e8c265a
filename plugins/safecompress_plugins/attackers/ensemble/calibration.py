"""Calibration of attack scores: scores of different attacks on one scale.

Fitted to scores of samples that the attack was not fitted to, whose truth is known.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import norm, rankdata
from sklearn.linear_model import LogisticRegression
from torch import Tensor

__all__ = ["Calibration", "MembershipCalibration", "ValueCalibration"]

# N samples · K distinct scores · V attribute values

Floats = NDArray[np.float64]

SHARPEST = 1e3  # upper bound of the factor on scores of standard deviation 1


class Calibration(ABC):
    """Map from an attack's scores to values comparable across attacks."""

    @abstractmethod
    def answers(self, scores: Tensor) -> Tensor:
        """Return comparable values of the scores' shape, float64; the order in a sample is kept."""

    @abstractmethod
    def confidence(self, answers: Tensor) -> Tensor:
        """Return the confidence of each sample's values, shape (N,)."""


class MembershipCalibration(Calibration):
    """Scores (N,) as log-odds of membership, members and non-members with equal weight.

    A logistic regression on the scores' normal quantiles, so that neither the unit of a score nor
    its outliers matter. An attack no better than chance gets log-odds of 0 for all samples.

    Source: Platt 1999, "Probabilistic Outputs for Support Vector Machines"; the quantiles are
    Blom's normal scores without his correction, (rank − 1/2) / N.
    """

    def __init__(self, scores: Tensor, is_member: Tensor) -> None:
        """Fit to scores and truth, (N,) both, of held-out samples."""
        known = scores.double().numpy()
        quantiles = norm.ppf((rankdata(known) - 0.5) / len(known))
        self._known, first = np.unique(known, return_index=True)  # (K,) rising
        self._quantiles: Floats = quantiles[first]
        fitted = LogisticRegression(class_weight="balanced").fit(
            quantiles[:, None], is_member.numpy()
        )
        slope = float(fitted.coef_[0, 0])
        # Higher means member by definition, so a negative slope is no better than chance.
        self._slope = max(slope, 0.0)
        self._shift = float(fitted.intercept_[0]) if slope > 0 else 0.0

    def answers(self, scores: Tensor) -> Tensor:
        """Return log-odds, shape (N,); constant outside the range of the known scores."""
        quantiles = np.interp(scores.double().numpy(), self._known, self._quantiles)
        return torch.as_tensor(self._slope * quantiles + self._shift)

    def confidence(self, answers: Tensor) -> Tensor:
        """Return the distance from even odds."""
        return answers.abs()


class ValueCalibration(Calibration):
    """Scores (N, V) as posteriors of the values, by temperature scaling.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", ICML, section 4.2,
    temperature scaling.
    """

    def __init__(self, scores: Tensor, truth: Tensor) -> None:
        """Fit the temperature to scores (N, V) and truth (N,) of held-out samples."""
        known, rows = scores.double().numpy(), np.arange(len(scores))
        # Constant scores have a deviation of 0; any unit does then.
        self._unit = float(known.std()) or 1.0
        values = truth.numpy()

        def loss(factor: float) -> float:
            posteriors = log_softmax(factor * known / self._unit, axis=1)
            return -float(posteriors[rows, values].mean())

        self._factor = float(minimize_scalar(loss, bounds=(0, SHARPEST), method="bounded").x)

    def answers(self, scores: Tensor) -> Tensor:
        """Return posteriors, shape (N, V)."""
        return torch.softmax(scores.double() * (self._factor / self._unit), dim=1)

    def confidence(self, answers: Tensor) -> Tensor:
        """Return the posterior of the likeliest value."""
        return answers.amax(dim=1)
