"""Size of the stored model."""

from safecompress_core.toolkit import Estimate, Metric, Subject
from safecompress_plugins.metrics.manifest import SizeParams

__all__ = ["Size"]


class Size(Metric):
    """Bytes on disk, which is what a download costs; density alone does not tell them."""

    def __init__(self, params: SizeParams) -> None:
        del params  # there is nothing to set

    def measure(self, subject: Subject) -> Estimate:
        """An exact figure."""
        size = float(subject.file_bytes)
        return Estimate(size, size, size)
