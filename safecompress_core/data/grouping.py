"""Cutting samples into parts without dividing what belongs together: one person's rows, say."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

__all__ = ["split_groups"]


def split_groups(
    indices: Tensor,
    labels: Tensor,
    groups: Tensor,
    sizes: Sequence[int],
    generator: torch.Generator,
) -> list[Tensor]:
    """Parts of about these sizes, each sorted; no group is in two of them.

    Groups are assigned in random order, the largest first, each to the part that still needs its
    labels most. So sizes and labels are met as nearly as whole groups allow.

    Args:
        indices: positions of the samples to cut, shape (n,), int64.
        labels: task label of every sample there is, shape (N,), int64.
        groups: the group of every sample there is, shape (N,), int64.
        sizes: how many samples each part should have; they sum to n.
        generator: what decides who goes where.
    """
    # Group and label numbers may have gaps, so both are renumbered from 0.
    _, group = torch.unique(groups[indices], return_inverse=True)
    _, label = torch.unique(labels[indices], return_inverse=True)
    # `max` of an empty tensor fails.
    count = int(group.max()) + 1 if len(group) else 0
    held = np.zeros((count, int(label.max()) + 1 if len(label) else 0))  # (groups, labels)
    # add.at, since `held[...] += 1` counts a repeated index once.
    np.add.at(held, (group.numpy(), label.numpy()), 1)
    shares = np.asarray(sizes) / max(1, len(indices))
    # Each part needs its share of every label.
    needed = shares[:, None] * held.sum(axis=0)  # (parts, labels)
    shuffled = torch.randperm(count, generator=generator).numpy()
    # The largest group first: small ones fill the gaps. Stable keeps ties in random order.
    order = shuffled[np.argsort(-held[shuffled].sum(axis=1), kind="stable")]
    part = np.empty(count, dtype=np.int64)
    for position in order:
        # of the squared shortage, what falls most: 2 · needed · held − held², the last the same
        # for all parts
        part[position] = np.argmax(needed @ held[position])
        needed[part[position]] -= held[position]
    place = torch.from_numpy(part)[group]
    return [indices[place == number].sort().values for number in range(len(sizes))]
