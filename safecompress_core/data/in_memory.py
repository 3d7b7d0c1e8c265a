"""Samples in memory: those that a call from Python was given, known by a fingerprint.

A spec can only hold text, so it names the fingerprint, and the samples stay in this process while
the call lasts.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from safecompress_core.data.dataset import Dataset, DataSource
from safecompress_core.data.manifest import InMemoryParams
from safecompress_core.data.pools import fingerprint
from safecompress_core.errors import DataError

__all__ = ["InMemoryData", "holding"]

_held: dict[str, Dataset] = {}


@contextmanager
def holding(dataset: Dataset) -> Iterator[str]:
    """Hold samples in memory for a while, and yield their fingerprint."""
    rows = torch.arange(len(dataset))
    is_member = torch.zeros(len(rows), dtype=torch.bool)
    if dataset.is_member is not None:
        is_member = dataset.is_member
    key = fingerprint(dataset, (rows[is_member], rows[~is_member]))
    before = _held.get(key)
    _held[key] = dataset
    try:
        yield key
    finally:
        if before is None:
            del _held[key]


class InMemoryData(DataSource):
    """The samples of a fingerprint."""

    def __init__(self, params: InMemoryParams) -> None:
        self._fingerprint = params.fingerprint

    def load(self) -> Dataset:
        """Return the samples.

        Raises:
            DataError: if they are not in this process.
        """
        if self._fingerprint not in _held:
            raise DataError(
                "the samples were given as Python objects, and are not in this process",
                hint="call the function from Python again, with the same samples",
                field=("fingerprint",),
            )
        return _held[self._fingerprint]
