"""Size of the stored model."""

from safecompress_core.toolkit import Estimate, Metric, Subject
from safecompress_plugins.metrics.manifest import FileBytesParams

__all__ = ["FileBytes"]


class FileBytes(Metric):
    """Bytes on disk, the cost of a download; density alone does not determine them."""

    def __init__(self, params: FileBytesParams) -> None:
        del params  # no parameters

    def measure(self, subject: Subject) -> Estimate:
        """Return an exact figure."""
        return Estimate.exact(subject.file_bytes)
