"""Samples in memory: those that a call from Python was given, known by a fingerprint.

A spec can only hold text, so it names the fingerprint, and the samples stay in this process while
the call lasts.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from safecompress_core.data.dataset import Dataset, DataSource
from safecompress_core.data.held_objects import HeldObjects
from safecompress_core.data.manifest import InMemoryParams
from safecompress_core.data.pools import fingerprint
from safecompress_core.errors import DataError

__all__ = ["InMemoryData", "holding"]

_held: HeldObjects[Dataset] = HeldObjects()


@contextmanager
def holding(dataset: Dataset) -> Iterator[str]:
    """Hold samples in memory for a while, and yield their fingerprint."""
    rows = torch.arange(len(dataset))
    is_member = torch.zeros(len(rows), dtype=torch.bool)
    if dataset.is_member is not None:
        is_member = dataset.is_member
    key = fingerprint(dataset, (rows[is_member], rows[~is_member]))
    texts = dataset.texts or (dataset.asked.texts if dataset.asked else ())
    if texts:
        # Inputs of texts are empty until a model has tokenised them.
        key = hashlib.sha256(repr((key, texts)).encode()).hexdigest()
    with _held.hold(key, dataset):
        yield key


class InMemoryData(DataSource):
    """The samples of a fingerprint."""

    def __init__(self, params: InMemoryParams) -> None:
        self._fingerprint = params.fingerprint

    def load(self) -> Dataset:
        """Return the samples.

        Raises:
            DataError: if they are not in this process.
        """
        dataset = _held.get(self._fingerprint)
        if dataset is None:
            raise DataError(
                "the samples were given as Python objects, and are not in this process",
                hint="call the function from Python again, with the same samples",
                field=("fingerprint",),
            )
        return dataset
