"""Multiply-accumulates of one sample."""

from safecompress_core.toolkit import Estimate, Metric, Subject, macs
from safecompress_plugins.metrics.manifest import MacsParams

__all__ = ["Macs"]


class Macs(Metric):
    """Multiply-accumulates of the model's matrix products and convolutions, its guard included."""

    def __init__(self, params: MacsParams) -> None:
        self._counts_active = params.weights == "active"

    def measure(self, subject: Subject) -> Estimate:
        """Return an exact figure."""
        inside, sample = subject.network.inside, subject.sample
        count = macs(subject.network, sample)
        if self._counts_active and inside.topology is not None:
            # A topology has the names of the wrapped module, which a guard knows nothing of.
            skipped = macs(inside.module, sample, topology=inside.topology)
            count -= macs(inside.module, sample) - skipped
        return Estimate.exact(count)
