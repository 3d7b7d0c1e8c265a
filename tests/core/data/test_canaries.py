"""Canaries: members with a wrong label."""

from dataclasses import replace

import pytest
import torch
from scipy.stats import chisquare

from safecompress_core.data.canaries import mislabel
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool
from safecompress_core.errors import PoolError

CANARIES = Pool("canaries", torch.arange(0, 200), torch.arange(200, 400))


def drawn(dataset: Dataset, seed: int = 1) -> Dataset:
    """With the wrong labels of a seed."""
    return mislabel(dataset, CANARIES, generator=torch.Generator().manual_seed(seed))


def test_each_canary_of_either_side_is_mislabelled_and_nobody_else(all_digits: Dataset) -> None:
    """Inputs stay, and so does the data set that was given."""
    before = all_digits.labels.clone()

    changed = drawn(all_digits)

    assert (changed.labels[:400] != before[:400]).all()
    assert torch.equal(changed.labels[400:], before[400:])
    assert torch.equal(all_digits.labels, before)
    assert changed.inputs is all_digits.inputs
    assert 0 <= int(changed.labels.min()) <= int(changed.labels.max()) < 10


def test_all_wrong_labels_are_alike_likely_and_drawn_by_the_seed(all_digits: Dataset) -> None:
    """Each of the nine other labels is equally likely."""
    same = replace(all_digits, labels=torch.full_like(all_digits.labels, 3))
    wrong = torch.cat([drawn(same, seed).labels[:400] for seed in range(10)])
    counts = wrong.bincount(minlength=10)

    assert counts[3] == 0
    assert chisquare(counts[counts > 0].numpy()).pvalue > 0.001
    assert torch.equal(drawn(all_digits, 5).labels, drawn(all_digits, 5).labels)
    assert not torch.equal(drawn(all_digits, 5).labels, drawn(all_digits, 6).labels)


def test_a_task_of_one_class_has_no_wrong_label(all_digits: Dataset) -> None:
    """So it can have no canaries."""
    with pytest.raises(PoolError, match="single class"):
        drawn(replace(all_digits, classes=("all",)))
