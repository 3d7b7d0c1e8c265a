"""Canaries: samples with a wrong label, which a model can only know if it memorised them.

Averages over a pool hide the samples that are exposed most. Some members are therefore trained on
with a wrong label, and an equal number of non-members get wrong labels in the same way without
being trained on: only memorisation distinguishes the two. Who is a canary, and which wrong label
it gets, is drawn at random.

Source: Aerni, Zhang & Tramèr 2024, "Evaluations of Machine Learning Privacy Defenses are
Misleading", CCS (mislabelled samples stand for the most vulnerable ones).
"""

from dataclasses import replace

import torch

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool
from safecompress_core.errors import PoolError

__all__ = ["mislabel"]


def mislabel(dataset: Dataset, canaries: Pool, *, generator: torch.Generator) -> Dataset:
    """The same data, but each canary of either side has one of the other labels, all alike likely.

    Args:
        dataset: with true labels.
        canaries: in no other pool, so that no one else sees the wrong labels.
        generator: draws them.

    Raises:
        PoolError: if there is a single class, so that no label is wrong.
    """
    classes = len(dataset.classes)
    if classes < 2:
        # With one class the range of the random step would be empty.
        raise PoolError("a canary needs a wrong label, but the task has a single class")
    labels = dataset.labels.clone()
    positions = canaries.indices
    # A step of 1 to C − 1 modulo C reaches each wrong label with equal probability, never the true
    # one.
    step = torch.randint(1, classes, positions.shape, generator=generator)
    labels[positions] = (labels[positions] + step) % classes
    return replace(dataset, labels=labels)
