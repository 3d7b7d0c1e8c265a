"""Membership by a regression of the confidence that non-members have."""

import math
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Attacker,
    Observations,
    PoolError,
    logit_of_confidence,
)
from safecompress_plugins.attackers.membership.manifest import QuantileRegressionParams

__all__ = ["QuantileRegression"]

# N samples · D features

Array = NDArray[np.float64]

FEWEST = 8
"""Minimum number of non-members for a regression."""
PENALTIES = np.logspace(-2, 5, 15)
"""Ridge penalties on standardised features; leave-one-out error chooses one."""
LOG_ABSOLUTE_NORMAL = -(np.euler_gamma + math.log(2)) / 2
"""E[log |z|] for z ~ N(0, 1)."""


class QuantileRegression(Attacker):
    """Scores a sample by its confidence above that expected of a non-member with its features.

    With φ = log(p_y / (1 − p_y)), regressed on the non-members of attack-train alone::

        score(x, y) = (φ(x, y) − expected(x, y)) / scale(x, y)

    So a threshold on the score is a quantile of φ among non-members, conditional on the sample: an
    easy sample needs more confidence than a hard one to be called a member. ``gaussian`` predicts
    mean and deviation, so that the score is in standard deviations; ``quantile`` predicts the
    median and a higher quantile, and their distance is the scale.

    The features are the sample and its label, never the model's output: an output already reveals
    membership, and conditioning on it would remove the signal. Hence the access is gray-box. The
    regressions are small, on plain values, so that they fit in seconds; for images the paper
    fine-tunes a pretrained network.

    Source: Bertran et al. 2023, "Scalable Membership Inference Attacks via Quantile Regression",
    NeurIPS (pinball loss, and its Gaussian variant); φ as in Carlini et al. 2022.
    """

    def __init__(self, params: QuantileRegressionParams) -> None:
        self._params = params
        self._regression: _Regression | None = None

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Regress the statistic on non-members.

        Raises:
            PoolError: if attack-train has fewer than 8 non-members.
        """
        others = 0 if known.truth is None else int((~known.truth).sum())
        if known.truth is None or others < FEWEST:
            raise PoolError(
                f"quantile-regression needs {FEWEST} non-members in attack-train; it has {others}"
            )
        seen = known.seen.take(~known.truth)
        features, statistic = _features(seen), _statistic(seen)
        self._regression = (
            _GaussianRegression(features, statistic)
            if self._params.regression == "gaussian"
            else _BoostedQuantiles(features, statistic, quantile=self._params.quantile)
        )

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return φ above its expectation, in units of its scale, shape (N,)."""
        if self._regression is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        expected, scale = self._regression.predict(_features(knowledge.seen))
        return torch.as_tensor((_statistic(knowledge.seen) - expected) / scale)


class _Regression(Protocol):
    def predict(self, features: Array) -> tuple[Array, Array]:
        """Return the expected statistic and its positive scale, both (N,), for features (N, D)."""


class _GaussianRegression:
    """Two ridge regressions: of the statistic, and of the log of the absolute residual.

    Residuals are out-of-fold: with as many features as samples, in-sample ones would be near 0.
    """

    def __init__(self, features: Array, statistic: Array) -> None:
        self._scaler = StandardScaler().fit(features)
        rows = self._scaler.transform(features)
        self._mean = RidgeCV(alphas=PENALTIES).fit(rows, statistic)
        mean = Ridge(alpha=self._mean.alpha_)
        # hypot adds a floor smoothly, so that a residual of 0 has a finite logarithm.
        missed = np.hypot(statistic - cross_val_predict(mean, rows, statistic), _least(statistic))
        self._deviation = RidgeCV(alphas=PENALTIES).fit(rows, np.log(missed))

    def predict(self, features: Array) -> tuple[Array, Array]:
        rows = self._scaler.transform(features)
        # E[log |σz|] = log σ + E[log |z|], so the normal's own expectation is subtracted.
        deviation = np.exp(self._deviation.predict(rows) - LOG_ABSOLUTE_NORMAL)
        return self._mean.predict(rows), deviation


class _BoostedQuantiles:
    """Gradient-boosted trees under the pinball loss, for the median and a higher quantile.

    Two quantiles fitted separately may be close or cross on few samples; so the trees are shallow,
    and the scale has a lower bound of a tenth of the statistic's deviation.
    """

    def __init__(self, features: Array, statistic: Array, *, quantile: float) -> None:
        self._least = 10 * _least(statistic)
        self._median, self._upper = (
            HistGradientBoostingRegressor(
                # Early stopping would hold samples out at random; few are known, so all train.
                loss="quantile",
                quantile=level,
                max_depth=3,
                early_stopping=False,
                random_state=0,
            ).fit(features, statistic)
            for level in (0.5, quantile)
        )

    def predict(self, features: Array) -> tuple[Array, Array]:
        median = self._median.predict(features)
        return median, np.maximum(self._upper.predict(features) - median, self._least)


def _least(statistic: Array) -> float:
    """Return the lower bound of a scale: a hundredth of the overall deviation, never 0."""
    return max(0.01 * float(statistic.std()), 1e-6)


def _statistic(seen: Observations) -> Array:
    return logit_of_confidence(seen.logits, seen.labels).numpy()


def _features(seen: Observations) -> Array:
    """Concatenate flattened inputs and the one-hot label, (N, D)."""
    labels = F.one_hot(seen.labels, seen.classes)
    return torch.cat([seen.inputs.flatten(1).double(), labels.double()], dim=1).numpy()
