"""Name and parameters of the data set that core ships: samples of Python code."""

from safecompress_core.api import DataDef, Params

__all__ = ["DEFINITIONS", "InMemoryParams"]


class InMemoryParams(Params):
    """Samples that Python code has given; known by their content."""

    fingerprint: str
    """SHA-256 of the samples."""


DEFINITIONS = (
    DataDef(
        name="in-memory",
        params=InMemoryParams,
        target="safecompress_core.data.in_memory:InMemoryData",
        summary="Samples that a call from Python was given: arrays, tensors, data frames.",
    ),
)
