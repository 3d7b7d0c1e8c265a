"""Size of the stored model."""

from safecompress_core.toolkit import Estimate, Metric, Subject
from safecompress_plugins.metrics.manifest import SizeParams

__all__ = ["Size"]


class Size(Metric):
    """Bytes on disk, the cost of a download; density alone does not determine them."""

    def __init__(self, params: SizeParams) -> None:
        del params  # no parameters

    def measure(self, subject: Subject) -> Estimate:
        """Return an exact figure."""
        size = float(subject.file_bytes)
        # The interval is a point: file size has no sampling error.
        return Estimate(size, size, size)
