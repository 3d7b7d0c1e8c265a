"""Memory of a forward pass."""

from safecompress_core.toolkit import Estimate, Metric, Subject, peak_memory
from safecompress_plugins.metrics.manifest import PeakMemoryParams

__all__ = ["PeakMemory"]


class PeakMemory(Metric):
    """Bytes of the tensors that are alive at a time, weights included."""

    def __init__(self, params: PeakMemoryParams) -> None:
        self._batch = params.batch

    def measure(self, subject: Subject) -> Estimate:
        """Return an exact figure."""
        batch = subject.sample.expand(self._batch, *subject.sample.shape[1:]).contiguous()
        return Estimate.exact(peak_memory(subject.network, batch))
