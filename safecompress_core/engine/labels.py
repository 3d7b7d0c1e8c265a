"""Gives the labels of samples the numbers that a finished model has for them."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from safecompress_core.dataset import Dataset
from safecompress_core.errors import DataError

__all__ = ["renumbered"]

MOST_SHOWN = 10


def renumbered(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """The same samples with labels numbered as the outputs of a model are.

    A file numbers the labels that it holds, so one without a sample of some label would shift all
    that follow.

    Args:
        dataset: its labels are looked up by their names.
        names: of the model's outputs, in their order; none of them twice.

    Raises:
        DataError: if the samples have a label that the model does not.
    """
    place = {name: number for number, name in enumerate(names)}
    used = [dataset.classes[label] for label in dataset.labels.unique().tolist()]
    unknown = [name for name in used if name not in place]
    if unknown:
        more = f" and {len(unknown) - MOST_SHOWN} more" if len(unknown) > MOST_SHOWN else ""
        shown = ", ".join(map(repr, unknown[:MOST_SHOWN]))
        raise DataError(
            f"the samples have labels that the model has no output for: {shown}{more}",
            mend=f"leave them out, or mend the names; the model has: {', '.join(names)}",
        )
    numbers = torch.tensor([place.get(name, 0) for name in dataset.classes])
    return replace(dataset, labels=numbers[dataset.labels], classes=tuple(names))
