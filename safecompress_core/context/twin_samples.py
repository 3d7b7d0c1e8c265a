"""Samples of a swap twin: the run's own data, with members and others of select exchanged."""

from dataclasses import dataclass
from functools import cached_property

from safecompress_core.context.samples import NetworkSamples
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool, SamplePools
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.seeding import Seed

__all__ = ["TwinSamples"]


@dataclass(frozen=True, eq=False, kw_only=True)
class TwinSamples:
    """The data of a run, and the pools of its models' swap twins.

    Attributes:
        origin: samples of the run.
        seed: of the run.
    """

    origin: NetworkSamples
    seed: Seed

    @property
    def factory(self) -> ModelFactory:
        """Return that of the run."""
        return self.origin.factory

    @property
    def original(self) -> Dataset:
        """Return that of the run."""
        return self.origin.original

    @property
    def dataset(self) -> Dataset:
        """Return that of the run."""
        return self.origin.dataset

    @property
    def pools(self) -> SamplePools:
        """Return the run's pools after the exchange."""
        return self._exchange[0]

    @property
    def exchanged(self) -> Pool:
        """Return the exchanged samples: members of the run against members of its twins."""
        return self._exchange[1]

    @cached_property
    def _exchange(self) -> tuple[SamplePools, Pool]:
        return self.origin.pools.swap(
            self.dataset.labels,
            groups=self.dataset.groups,
            # A child of its own: the exchange leaves the run's pools and training unchanged.
            generator=self.seed.child("pools", "twin").torch(),
        )
