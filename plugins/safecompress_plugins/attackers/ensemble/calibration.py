"""What an attack's scores are worth: scores of different attacks on one scale.

Learned from scores of samples that the attack was not fitted to, whose truth is known.
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

SHARPEST = 1e3  # of the factor on scores of standard deviation 1


class Calibration(ABC):
    """Turns scores into answers that mean the same whoever gave them."""

    @abstractmethod
    def answers(self, scores: Tensor) -> Tensor:
        """Comparable answers of the scores' shape, float64; their order within a sample is kept."""

    @abstractmethod
    def sureness(self, answers: Tensor) -> Tensor:
        """How sure such answers are of each sample, shape (N,)."""


class MembershipCalibration(Calibration):
    """Scores (N,) as log-odds of being a member, members and non-members weighing the same.

    A logistic regression on the scores' normal quantiles, so that neither the unit of a score nor
    its outliers matter. An attack that does no better than chance gets log-odds of 0 for all.

    Source: Platt 1999, "Probabilistic Outputs for Support Vector Machines"; the quantiles are
    Blom's normal scores without his correction, (rank − 1/2) / N.
    """

    def __init__(self, scores: Tensor, is_member: Tensor) -> None:
        """From scores and truth, (N,) both, of samples that the attack was not fitted to."""
        known = scores.double().numpy()
        quantiles = norm.ppf((rankdata(known) - 0.5) / len(known))
        self._known, first = np.unique(known, return_index=True)  # (K,) rising
        self._quantiles: Floats = quantiles[first]
        fitted = LogisticRegression(class_weight="balanced").fit(
            quantiles[:, None], is_member.numpy()
        )
        slope = float(fitted.coef_[0, 0])
        self._slope = max(slope, 0.0)
        self._shift = float(fitted.intercept_[0]) if slope > 0 else 0.0

    def answers(self, scores: Tensor) -> Tensor:
        """Log-odds, shape (N,); beyond the scores that are known, those of the last of them."""
        quantiles = np.interp(scores.double().numpy(), self._known, self._quantiles)
        return torch.as_tensor(self._slope * quantiles + self._shift)

    def sureness(self, answers: Tensor) -> Tensor:
        """How far they are from even odds, to either side."""
        return answers.abs()


class ValueCalibration(Calibration):
    """Scores (N, V) as posteriors of the values, sharpened or blurred by one factor.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", ICML, section 4.2,
    temperature scaling.
    """

    def __init__(self, scores: Tensor, truth: Tensor) -> None:
        """From scores (N, V) and truth (N,) of samples that the attack was not fitted to."""
        known, rows = scores.double().numpy(), np.arange(len(scores))
        self._unit = float(known.std()) or 1.0
        values = truth.numpy()

        def loss(factor: float) -> float:
            posteriors = log_softmax(factor * known / self._unit, axis=1)
            return -float(posteriors[rows, values].mean())

        self._factor = float(minimize_scalar(loss, bounds=(0, SHARPEST), method="bounded").x)

    def answers(self, scores: Tensor) -> Tensor:
        """Posteriors, shape (N, V)."""
        return torch.softmax(scores.double() * (self._factor / self._unit), dim=1)

    def sureness(self, answers: Tensor) -> Tensor:
        """The posterior of the likeliest value."""
        return answers.amax(dim=1)
