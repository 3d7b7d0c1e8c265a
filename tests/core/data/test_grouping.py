"""Splits that keep the samples of a group together."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from safecompress_core.data.grouping import split_groups


def cut(labels: Tensor, groups: Tensor, sizes: tuple[int, ...], *, seed: int = 0) -> list[Tensor]:
    """All samples in parts of about these sizes."""
    generator = torch.Generator().manual_seed(seed)
    return split_groups(torch.arange(len(labels)), labels, groups, sizes, generator)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=80), st.integers(0, 2**32))
def test_no_group_is_in_two_parts_and_no_sample_is_lost(groups: list[int], seed: int) -> None:
    """For any groups."""
    count = len(groups)
    group = torch.tensor(groups)
    sizes = (count // 2, count - count // 2)
    parts = cut(torch.arange(count) % 3, group, sizes, seed=seed)

    assert sorted(torch.cat(parts).tolist()) == list(range(count))
    assert set(group[parts[0]].tolist()).isdisjoint(group[parts[1]].tolist())
    assert all(torch.equal(part, part.sort().values) for part in parts)


def test_sizes_and_labels_are_met_as_nearly_as_groups_allow() -> None:
    """300 people with one to five rows each: no size is missed by more than a person."""
    generator = torch.Generator().manual_seed(5)
    rows = torch.randint(1, 6, (300,), generator=generator)
    groups = torch.arange(300).repeat_interleave(rows)
    labels = torch.randint(4, (300,), generator=generator)[groups]
    count = len(groups)
    sizes = (count * 4 // 10, count * 3 // 10, count - count * 4 // 10 - count * 3 // 10)

    parts = cut(labels, groups, sizes)

    for part, size in zip(parts, sizes, strict=True):
        assert abs(len(part) - size) <= 10
        shares = torch.bincount(labels[part], minlength=4) / len(part)
        assert torch.allclose(shares, torch.bincount(labels) / count, atol=0.02)


def test_the_seed_decides_who_goes_where() -> None:
    """The same seed in the same way."""
    groups = torch.arange(40) // 2
    labels = torch.zeros(40, dtype=torch.int64)

    one, same, other = (cut(labels, groups, (20, 20), seed=seed) for seed in (1, 1, 2))

    assert torch.equal(one[0], same[0])
    assert not torch.equal(one[0], other[0])
    assert len(one[0]) == 20
