"""Measures of a model that are no attacks."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from safecompress_core.api import Definition
from safecompress_core.attacks.observations import Observations
from safecompress_core.host.boundary import check_result
from safecompress_core.networks.classifier import Classifier
from safecompress_core.stats.intervals import Estimate, clopper_pearson
from safecompress_core.stats.means import bounded_mean

__all__ = ["Metric", "SampleMetric", "Subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Model and samples that a metric measures.

    Attributes:
        unseen: the model's reactions to samples that it was not trained on.
        file_bytes: size of the stored model.
        network: the model itself, in eval mode.
        sample: one of its inputs, shape (1, ...), on its device.
    """

    unseen: Observations
    file_bytes: int
    network: Classifier
    sample: Tensor


def _check_estimate(_: Definition, estimate: object, *__: object) -> None:
    """A finite value with its interval."""
    wanted = "it must return an Estimate of finite numbers"
    if not isinstance(estimate, Estimate):
        raise ValueError(f"returned {type(estimate).__name__}; {wanted}")
    if not all(map(math.isfinite, (estimate.value, *estimate.interval))):
        raise ValueError(f"returned {estimate.value} in {estimate.interval}; {wanted}")


def _check_shares(_: Definition, values: object, unseen: Observations) -> None:
    """A number in [0, 1] for each sample."""
    wanted = f"it must return a tensor of shape ({len(unseen)},), in [0, 1]"
    if not isinstance(values, Tensor):
        raise ValueError(f"returned {type(values).__name__}; {wanted}")
    if tuple(values.shape) != (len(unseen),):
        raise ValueError(f"returned shape {tuple(values.shape)}; {wanted}")
    # Written as a negation, since comparisons with NaN are False.
    odd = ~((values >= 0) & (values <= 1))  # NaN as well
    if bool(odd.any()):
        raise ValueError(f"returned {int(odd.sum())} values outside of [0, 1]; {wanted}")


class Metric(ABC):
    """Built from its parameters."""

    @abstractmethod
    @check_result(_check_estimate)
    def measure(self, subject: Subject) -> Estimate:
        """The value with its interval; an exact figure has an interval of no width."""


class SampleMetric(Metric):
    """A mean over samples; the first one of a spec is the performance that the loop maximises."""

    @abstractmethod
    @check_result(_check_shares)
    def per_sample(self, unseen: Observations) -> Tensor:
        """Return each sample's contribution, shape (N,), in [0, 1], higher is better."""

    def measure(self, subject: Subject) -> Estimate:
        """The mean; its interval is exact for hits and misses, Student's for anything between."""
        values = self.per_sample(subject.unseen).double()
        # Hits and misses are binomial, for which an exact interval exists.
        if bool(((values == 0) | (values == 1)).all()):
            return clopper_pearson(int(values.sum()), len(values))
        return bounded_mean(values.numpy())
