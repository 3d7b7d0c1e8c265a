"""Samples that are there twice: a member's exact copy among the non-members is no non-member.

Anyone who asks a model about such a sample gets the same answer on either side, so every attack on
membership reads too low, and attacks on other things learn what they are tested on.
"""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import blake2b

import torch
from torch import Tensor

from safecompress_core.data.dataset import Dataset, Inputs

__all__ = ["copies", "overlap", "without_copies"]

# Tables repeat rows by chance; far more hints at a column that was not read.
MOST_COPIES = 0.1
"""The share of samples that may be copies without a warning."""
ROWS = 4096  # of a tensor at a time, so that nothing large is copied


def copies(dataset: Dataset) -> Tensor:
    """Return the samples that repeat the input and label of a kept one, shape (N,), bool.

    Where the data name the members, a member stays rather than a non-member; else the first.
    """
    count = len(dataset)
    order = torch.arange(count)
    if dataset.is_member is not None:
        # Members first, since training relies on them; stable, so that the first of each side
        # stays.
        order = (~dataset.is_member).long().argsort(stable=True)
    is_copy = torch.zeros(count, dtype=torch.bool)
    seen: set[bytes] = set()
    for position, digest in zip(order.tolist(), _digests(dataset, order), strict=True):
        is_copy[position] = digest in seen
        seen.add(digest)
    return is_copy


def overlap(dataset: Dataset) -> list[tuple[int, int]]:
    """Members that are among the non-members as well, by the hash of input and label.

    Returns:
        The position of a member and that of a non-member, each among its own side, for every
        non-member that is some member. Empty if nothing can be compared, as among texts that no
        model has read yet.

    Raises:
        ValueError: if the data do not name the members.
    """
    if dataset.is_member is None:
        raise ValueError("the data do not state which samples are members")
    # Texts that no model has tokenised yet have no values, and would all be equal.
    if not dataset.inputs.shape[1:].numel():
        return []
    sides = dataset.is_member.nonzero()[:, 0], (~dataset.is_member).nonzero()[:, 0]
    members: dict[bytes, int] = {}
    for position, digest in enumerate(_digests(dataset, sides[0])):
        # The first of several equal members, as in `copies`.
        members.setdefault(digest, position)
    return [
        (members[digest], position)
        for position, digest in enumerate(_digests(dataset, sides[1]))
        if digest in members
    ]


def _digests(dataset: Dataset, order: Tensor) -> Iterator[bytes]:
    """A hash of input and label for each of these samples."""
    labels = dataset.labels[order].tolist()
    for label, content in zip(labels, _contents(dataset.inputs, order), strict=True):
        # The label is the key: equal inputs with different labels are different samples.
        yield blake2b(content, digest_size=16, key=label.to_bytes(8, "little")).digest()


def _contents(inputs: Tensor | Inputs, order: Tensor) -> Iterator[bytes]:
    if isinstance(inputs, Inputs):
        yield from inputs.contents(order)
        return
    for rows in order.split(ROWS):
        # Tensors of equal values have equal bytes only if their layout is contiguous.
        for row in inputs[rows].contiguous().numpy():
            yield row.tobytes()


def without_copies(dataset: Dataset) -> Dataset:
    """Return each sample once, with a note about copies; all of them if none can be compared.

    More copies than a tenth of the samples are a warning: misread inputs cause them.

    Texts that no model has read yet cannot be distinguished by their empty inputs.
    """
    # Texts that no model has tokenised yet have no values to compare.
    if not dataset.inputs.shape[1:].numel():
        return dataset
    is_copy = copies(dataset)
    count = int(is_copy.sum())
    if not count:
        return dataset
    note = f"{count} of {len(dataset)} samples are exact copies of others, and are left out"
    warnings = dataset.warnings
    # A warning rather than an error: different individuals may have equal rows.
    if count > MOST_COPIES * len(dataset):
        warning = (
            f"{count / len(dataset):.0%} of all samples are exact copies of others; check that no "
            "input was lost in reading, or write 'pools: {duplicates: keep}' if they are different "
            "individuals"
        )
        warnings = (*warnings, warning)
    left = dataset.take((~is_copy).nonzero()[:, 0])
    return replace(left, notes=(*dataset.notes, note), warnings=warnings)
