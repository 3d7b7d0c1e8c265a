"""Measures of a model that are no attacks.

- `Metric`: any figure with an interval, such as a number of bytes.
- `PairedMetric`: a statistic of values of samples (`MeanMetric`: their mean). Two models are
  compared on the same samples and resamples, so that what these have in common cancels.
- `SampleMetric`: a mean of values in [0, 1], higher is better; a run may choose candidates by it.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.api import Definition, Params
from safecompress_core.attacks.observations import Observations
from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool
from safecompress_core.host.boundary import check_result
from safecompress_core.networks.classifier import Classifier
from safecompress_core.problems import Problem
from safecompress_core.seeding import Seed
from safecompress_core.stats.intervals import Estimate, clopper_pearson
from safecompress_core.stats.means import bounded_mean, hits_difference, mean_difference
from safecompress_core.stats.resampling import Resampling, centred_interval

__all__ = [
    "DRAWS",
    "MeanMetric",
    "Metric",
    "MetricTrial",
    "PairedMetric",
    "SampleMetric",
    "SampleValues",
    "Subject",
]

# N units, as a rule samples · B bootstrap draws

DRAWS = 1000
"""Bootstrap draws of each interval."""

Floats = NDArray[np.float64]
Create = Callable[[Params], Any]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Model and samples that a metric measures.

    Attributes:
        asked: the model's reactions to the samples of the pool, members first.
        file_bytes: size of the stored model; 0 of one without a file.
        network: the model itself, in eval mode.
        sample: one of its inputs, shape (1, ...), on its device.
        seed: of everything that a metric draws; the same for every model of a run.
        create: builds a component from its parameters, such as a second data set.
        exposed: which members the strongest attack on the membership of the uncompressed model
            scores highest, shape (N₁,), bool; None where there is no such attack.
    """

    asked: ObservedPool
    file_bytes: int
    network: Classifier
    sample: Tensor
    seed: Seed
    create: Create
    exposed: Tensor | None = None

    @cached_property
    def unseen(self) -> Observations:
        """The model's reactions to samples that it was not trained on."""
        return self.asked.unseen

    @property
    def uncompressed(self) -> Observations:
        """The uncompressed model's reactions to the samples of the pool, members first.

        Only for a metric whose definition has ``Need.UNCOMPRESSED``.
        """
        assert self.asked.uncompressed is not None  # the auditor observes it where it is needed
        return self.asked.uncompressed


@dataclass(frozen=True, kw_only=True)
class MetricTrial:
    """Samples and network that a metric will measure, before anything is trained.

    Attributes:
        dataset: all samples.
        pool: those of the audit.
        network: of the model's architecture, in any state; a model that only answers has no
            parameters to look at.
        create: builds a component from its parameters.
    """

    dataset: Dataset
    pool: Pool
    network: Classifier
    create: Create


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SampleValues:
    """Values of the units of a metric, as a rule samples, on which a statistic is computed.

    Attributes:
        numbers: shape (N, ...).
        strata: shape (N,), int64; each resample holds as many units of a stratum as there are. The
            same for every model of a run.
        details: what a report shows next to the figure, JSON-ready.
    """

    numbers: Floats
    strata: NDArray[np.int64]
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(
        cls,
        numbers: Tensor,
        *,
        strata: Tensor | None = None,
        details: Mapping[str, Any] = MappingProxyType({}),
    ) -> "SampleValues":
        """Values (N, ...), or (N,) for one of each; by default of units of one stratum."""
        values = numbers.detach().cpu().double().numpy()
        columns = values[:, None] if values.ndim == 1 else values
        groups = np.zeros(len(columns)) if strata is None else strata.cpu().numpy()
        return cls(numbers=columns, strata=groups.astype(np.int64), details=details)

    def resample(self, seed: Seed) -> Resampling:
        """Draw the units again; the same seed and strata give the same draws."""
        return Resampling.draw_stratified(self.strata, draws=DRAWS, generator=seed.numpy())


def _check_estimate(_: Definition, estimate: object, *__: object) -> None:
    """A finite value with its interval."""
    wanted = "it must return an Estimate of finite numbers"
    if not isinstance(estimate, Estimate):
        raise ValueError(f"returned {type(estimate).__name__}; {wanted}")
    if not all(map(math.isfinite, (estimate.value, *estimate.interval))):
        raise ValueError(f"returned {estimate.value} in {estimate.interval}; {wanted}")


def _check_values(_: Definition, values: object, *__: object) -> None:
    """Finite numbers, one row and one stratum a unit."""
    wanted = "it must return SampleValues: finite numbers of shape (N, ...), strata of shape (N,)"
    if not isinstance(values, SampleValues):
        raise ValueError(f"returned {type(values).__name__}; {wanted}")
    if values.numbers.ndim < 2 or values.strata.shape != values.numbers.shape[:1]:
        shapes = f"numbers {values.numbers.shape} and strata {values.strata.shape}"
        raise ValueError(f"returned {shapes}; {wanted}")
    if odd := int((~np.isfinite(values.numbers)).sum()):
        raise ValueError(f"returned {odd} numbers that are not finite; {wanted}")


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

    def check(self, trial: MetricTrial) -> Iterable[Problem]:
        """Yield each reason why these samples or this network cannot be measured.

        The place of a problem starts at the metric's own fields. By default there is none.
        """
        return ()

    @abstractmethod
    @check_result(_check_estimate)
    def measure(self, subject: Subject) -> Estimate:
        """The value with its interval; an exact figure has an interval of no width."""


class PairedMetric(Metric):
    """A statistic of values of samples, with intervals by the bootstrap."""

    @abstractmethod
    @check_result(_check_values)
    def values(self, subject: Subject) -> SampleValues:
        """Return what the statistic is computed on."""

    @abstractmethod
    def statistic(self, numbers: Floats, weights: NDArray[Any]) -> Floats:
        """Return the figure in each of B draws, shape (B,).

        Args:
            numbers: shape (N, ...), of :meth:`values`.
            weights: shape (B, N), how often each draw holds each unit.
        """

    def measure(self, subject: Subject) -> Estimate:
        """The figure of all units, with an interval by the bootstrap."""
        values = self.values(subject)
        return self.estimate(values, values.resample(subject.seed))

    def estimate(self, values: SampleValues, resampling: Resampling) -> Estimate:
        """The figure of these values with its interval."""
        return centred_interval(
            self._of_all(values), self.statistic(values.numbers, resampling.weights)
        )

    def difference(
        self, before: SampleValues, after: SampleValues, resampling: Resampling
    ) -> Estimate:
        """The figure of ``after`` less that of ``before``, both of the same units, paired."""
        value = self._of_all(after) - self._of_all(before)
        draws = [self.statistic(each.numbers, resampling.weights) for each in (before, after)]
        return centred_interval(value, draws[1] - draws[0])

    def _of_all(self, values: SampleValues) -> float:
        """Return the figure where every unit counts once."""
        return float(self.statistic(values.numbers, np.ones((1, len(values.numbers))))[0])


class MeanMetric(PairedMetric):
    """A mean over units, of one number each."""

    def statistic(self, numbers: Floats, weights: NDArray[Any]) -> Floats:
        """Return the weighted mean."""
        means: Floats = weights @ numbers[:, 0] / weights.sum(axis=1)
        return means

    def difference(
        self, before: SampleValues, after: SampleValues, resampling: Resampling
    ) -> Estimate:
        """The difference of the means, with Student's paired interval."""
        numbers = after.numbers[:, 0], before.numbers[:, 0]
        # Adjusted for hits and misses, of which few may differ.
        if all(map(_are_hits, numbers)):
            return hits_difference(*(each == 1 for each in numbers))
        return mean_difference(*numbers)


class SampleMetric(MeanMetric):
    """A mean over samples; the first one of a spec is the performance that the loop maximises."""

    @abstractmethod
    @check_result(_check_shares)
    def per_sample(self, unseen: Observations) -> Tensor:
        """Return each sample's contribution, shape (N,), in [0, 1], higher is better."""

    def values(self, subject: Subject) -> SampleValues:
        """Each sample's contribution."""
        return SampleValues.of(self.per_sample(subject.unseen))

    def estimate(self, values: SampleValues, resampling: Resampling) -> Estimate:
        """The mean; its interval is exact for hits and misses, Student's for anything between."""
        shares = values.numbers[:, 0]
        # Hits and misses are binomial, for which an exact interval exists.
        if _are_hits(shares):
            return clopper_pearson(int(shares.sum()), len(shares))
        return bounded_mean(shares)


def _are_hits(numbers: Floats) -> bool:
    return bool(((numbers == 0) | (numbers == 1)).all())
