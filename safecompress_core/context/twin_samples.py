"""Samples of a swap twin: the run's own data, with members and others of select exchanged."""

from dataclasses import dataclass
from functools import cached_property

from safecompress_core.context.samples import RecutSamples
from safecompress_core.data.pools import Pool, SamplePools

__all__ = ["TwinSamples"]


@dataclass(frozen=True, eq=False, kw_only=True)
class TwinSamples(RecutSamples):
    """The data of a run, and the pools of its models' swap twins; ``seed`` is the run's."""

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
