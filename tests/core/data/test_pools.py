"""Pools: disjoint, exact, stratified, fingerprinted."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, arange, tensor

from safecompress_core.data.dataset import Dataset, Inputs
from safecompress_core.data.pools import Pool, SamplePools, build_pools, cut_pools
from safecompress_core.errors import PoolError


def cut(labels: Tensor, members: float = 0.5, *, seed: int = 18, audit: float = 0.3) -> SamplePools:
    """Pools with 0.3 to select on, and to attack with what audit leaves."""
    return build_pools(
        labels,
        members=members,
        attack_train=0.7 - audit,
        select=0.3,
        audit=audit,
        generator=torch.Generator().manual_seed(seed),
    )


@given(
    st.lists(st.integers(0, 4), min_size=40, max_size=120),
    st.floats(0.25, 0.75),
    st.integers(0, 2**32),
)
def test_all_samples_are_used_once_in_exact_numbers(
    labels: list[int], share: float, seed: int
) -> None:
    """Whatever the labels: members are the share asked for, pools sum to all samples."""
    pools = cut(tensor(labels), share, seed=seed)

    count = round(share * len(labels))
    assert len(pools.members) == count
    assert torch.cat([pool.indices for pool in pools]).sort().values.equal(arange(len(labels)))
    for part, total in (("members", count), ("non_members", len(labels) - count)):
        sizes = [len(getattr(pool, part)) for pool in pools]
        assert all(
            abs(size - exact * total) < 1
            for size, exact in zip(sizes, (0.4, 0.3, 0.3), strict=True)
        )


def test_canaries_are_members_and_others_of_no_other_pool() -> None:
    """They are among the members that train, in all labels, and count for none of the shares."""
    labels = arange(200) % 4
    given = {"members": 100, "attack_train": 0.4, "select": 0.3, "audit": 0.3}

    def made(canaries: int) -> SamplePools:
        generator = torch.Generator().manual_seed(1)
        return build_pools(labels, **given, generator=generator, canaries=canaries)

    pools = made(20)

    assert pools.canaries is not None
    assert (len(pools.canaries.members), len(pools.canaries.non_members)) == (20, 20)
    assert [len(pool.members) for pool in pools] == [32, 24, 24, 20]
    assert len(pools.members) == 100
    assert set(pools.canaries.members.tolist()) <= set(pools.members.tolist())
    assert labels[pools.canaries.members].bincount().tolist() == [5] * 4
    assert torch.cat([pool.indices for pool in pools]).sort().values.equal(arange(200))
    assert made(0).canaries is None


@pytest.mark.parametrize(
    ("canaries", "message"),
    [
        (101, "101 canaries are asked for of 100 samples on a side"),
        (99, "would have 1 members, but needs at least 2"),
        (1, "pool 'canaries' would have 1 members"),
    ],
)
def test_impossible_numbers_of_canaries_are_refused(canaries: int, message: str) -> None:
    """Ordinary figures need samples too."""
    with pytest.raises(PoolError, match=message):
        build_pools(
            arange(200) % 4,
            members=100,
            attack_train=0.4,
            select=0.3,
            audit=0.3,
            generator=torch.Generator(),
            canaries=canaries,
        )


@given(st.lists(st.integers(0, 4), min_size=40, max_size=120), st.integers(0, 2**32))
def test_the_label_says_nothing_of_membership(labels: list[int], seed: int) -> None:
    """Each label is a member half of the time, to within the odd sample."""
    pools = cut(tensor(labels), seed=seed)

    everywhere = tensor(labels).bincount(minlength=5)
    inside = tensor(labels)[pools.members].bincount(minlength=5)
    assert (inside * 2 - everywhere).abs().max() <= 2
    for pool in pools:
        share = len(pool.members) / len(pools.members)
        own = tensor(labels)[pool.members].bincount(minlength=5)
        assert (own - share * inside).abs().max() <= 2


def test_sizes_go_by_largest_remainder(all_digits: Dataset) -> None:
    """898 members are 359.2, 269.4 and 269.4; 899 non-members 359.6, 269.7 and 269.7."""
    pools = cut(all_digits.labels)

    assert [len(pool.members) for pool in pools] == [359, 270, 269]
    assert [len(pool.non_members) for pool in pools] == [359, 270, 270]


def test_a_pool_lists_members_first(all_digits: Dataset) -> None:
    """Truth and indices go together."""
    pool = cut(all_digits.labels).select

    assert pool.indices[pool.is_member].equal(pool.members)
    assert pool.indices[~pool.is_member].equal(pool.non_members)


def test_members_may_be_a_count(all_digits: Dataset) -> None:
    """The rest are non-members, as many as there are."""
    pools = cut(all_digits.labels, 300)

    assert len(pools.members) == 300
    assert sum(len(pool.non_members) for pool in pools) == 1497


def test_the_seed_decides(all_digits: Dataset) -> None:
    """The same seed cuts the same pools, another seed others."""
    first, again, other = (cut(all_digits.labels, seed=seed) for seed in (1, 1, 2))

    assert first.audit.indices.equal(again.audit.indices)
    assert not first.audit.indices.equal(other.audit.indices)


def test_membership_is_drawn_at_random_within_a_label(all_digits: Dataset) -> None:
    """Over 200 seeds each sample is a member about half of the time (5 standard errors)."""
    labels = all_digits.labels[:100]
    times = sum(
        torch.zeros(100).index_fill(0, cut(labels, seed=seed).members, 1.0) for seed in range(200)
    )

    assert (times / 200 - 0.5).abs().max() < 5 * 0.5 / 200**0.5


def test_fingerprints_change_with_the_samples_and_their_contents(all_digits: Dataset) -> None:
    """Another cut, another pixel, another label or another attribute is another pool."""
    pools = cut(all_digits.labels)
    prints = pools.fingerprints(all_digits)
    pixel = all_digits.inputs.clone()
    pixel[pools.audit.members[0], 5] += 1 / 16
    label = all_digits.labels.clone()
    label[pools.audit.members[0]] += 1

    assert set(prints) == {"attack_train", "select", "audit"}
    assert len(set(prints.values())) == 3
    assert all(len(text) == 64 for text in prints.values())
    assert prints == cut(all_digits.labels).fingerprints(all_digits)
    assert prints != cut(all_digits.labels, seed=1).fingerprints(all_digits)
    for changed in (
        replace(all_digits, inputs=pixel),
        replace(all_digits, labels=label),
        replace(all_digits, attributes={}),
    ):
        assert pools.fingerprints(changed)["audit"] != prints["audit"]
    assert pools.fingerprints(replace(all_digits, inputs=pixel))["select"] == prints["select"]


def test_a_fingerprint_tells_members_from_non_members() -> None:
    """The same samples with the sides swapped are another pool."""
    inputs, labels = torch.zeros(16, 2), arange(16) % 2
    data = Dataset(inputs=inputs, labels=labels, classes=("a", "b"), attributes={})
    sides = (arange(4), arange(4, 8))
    rest = (
        Pool("select", arange(8, 10), arange(10, 12)),
        Pool("audit", arange(12, 14), arange(14, 16)),
    )

    one, two = (SamplePools(Pool("attack_train", *pair), *rest) for pair in (sides, sides[::-1]))

    assert one.fingerprints(data)["attack_train"] != two.fingerprints(data)["attack_train"]


def test_pools_that_share_a_sample_are_refused() -> None:
    """The message says how many and which."""
    with pytest.raises(PoolError, match="1 samples are in two places; the first is sample 3"):
        SamplePools(
            Pool("attack_train", tensor([0, 1]), tensor([2, 3])),
            Pool("select", tensor([4, 5]), tensor([6, 7])),
            Pool("audit", tensor([8, 3]), tensor([9, 10])),
        )


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (2000, "2000 members are asked for, but there are 1797 samples"),
        (0, "0 members are asked for"),
        (1.0, r"the share of members must be in \(0, 1\), but is 1.0"),
        (1797, "pool 'attack_train' would have 0 non-members"),
        (6, "pool 'audit' would have 1 members, but needs at least 2"),
    ],
)
def test_more_is_asked_than_there_is(all_digits: Dataset, members: float, message: str) -> None:
    """Every error says what was asked and what there is."""
    with pytest.raises(PoolError, match=message):
        cut(all_digits.labels, members, audit=0.2)


def test_an_empty_pool_is_an_error(all_digits: Dataset) -> None:
    """A share of 0 leaves nobody to audit."""
    with pytest.raises(PoolError, match="pool 'audit' would have 0 members"):
        cut(all_digits.labels, audit=0.0)


def test_shares_that_do_not_sum_to_one_are_an_error(all_digits: Dataset) -> None:
    """Nothing is left out silently."""
    with pytest.raises(PoolError, match="must sum to 1"):
        build_pools(
            all_digits.labels,
            members=0.5,
            attack_train=0.5,
            select=0.5,
            audit=0.5,
            generator=torch.Generator(),
        )


def test_reference_samples_are_taken_from_what_the_attacker_knows(all_digits: Dataset) -> None:
    """Half of attack-train's non-members; nobody else loses a sample, and the seed decides who."""
    whole = cut(all_digits.labels)
    seeds = [torch.Generator().manual_seed(number) for number in (1, 1, 2)]
    one, same, other = (whole.with_reference(0.5, generator=seed) for seed in seeds)

    assert one.reference is not None
    known = whole.attack_train.non_members
    assert len(one.reference) == round(len(known) / 2)
    both = torch.cat([one.reference, one.attack_train.non_members])
    assert torch.equal(both.sort().values, known)
    assert torch.equal(one.members, whole.members)
    assert torch.equal(one.audit.indices, whole.audit.indices)
    assert torch.equal(one.reference, same.reference)  # type: ignore[arg-type]
    assert not torch.equal(one.reference, other.reference)  # type: ignore[arg-type]
    assert whole.with_reference(0.0, generator=seeds[0]) is whole


def test_reference_samples_are_in_no_pool() -> None:
    """Whoever builds pools by hand is held to it."""
    pools = [
        Pool(str(n), tensor([4 * n, 4 * n + 1]), tensor([4 * n + 2, 4 * n + 3])) for n in range(3)
    ]

    with pytest.raises(PoolError, match="1 samples are in two places; the first is sample 6"):
        SamplePools(*pools, reference=tensor([6, 12]))


def test_what_belongs_together_stays_in_one_pool(all_digits: Dataset) -> None:
    """Every fifth sample is of the same group; nobody is on both sides, or in two pools."""
    groups = arange(len(all_digits)) // 5
    pools = build_pools(
        all_digits.labels,
        members=0.5,
        attack_train=0.4,
        select=0.3,
        audit=0.3,
        generator=torch.Generator().manual_seed(18),
        groups=groups,
    )

    parts = [side for pool in pools for side in (pool.members, pool.non_members)]
    seen = [set(groups[part].tolist()) for part in parts]
    assert sum(map(len, seen)) == len(set(groups.tolist()))
    assert sum(map(len, parts)) == len(all_digits)
    assert abs(len(pools.members) - len(all_digits) / 2) <= 5


def test_groups_that_the_data_put_on_both_sides_are_an_error() -> None:
    """Whoever knows one row of a person would know something of the other."""
    sides = tensor([True, False] * 10)

    with pytest.raises(PoolError, match="2 groups have members and non-members"):
        cut_pools(
            tensor([0, 1] * 10),
            sides,
            shares=(0.4, 0.3, 0.3),
            generator=torch.Generator(),
            groups=tensor([0, 0, 1, 1, *range(2, 18)]),
        )


def test_fingerprints_of_bytes_and_files_are_of_their_contents(all_digits: Dataset) -> None:
    """Inputs that are no tensor: the same contents give the same print, others another."""
    pools = cut(all_digits.labels)
    prints = [
        pools.fingerprints(replace(all_digits, inputs=Letters(text)))["audit"]
        for text in ("abc", "abc", "abz")
    ]

    assert prints[0] == prints[1]
    assert prints[0] != prints[2]


class Letters(Inputs):
    """Samples that are kept as bytes."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self.shape = torch.Size((1797, 1))

    def __getitem__(self, positions: Tensor) -> Tensor:
        return torch.tensor([[float(one[0])] for one in self.contents(positions)])

    def take(self, positions: Tensor) -> "Letters":
        raise NotImplementedError

    def contents(self, positions: Tensor) -> Iterator[bytes]:
        for position in positions.tolist():
            yield bytes([self._text[position % 3]])


@given(st.lists(st.integers(0, 4), min_size=120, max_size=200), st.floats(0.3, 0.7), st.integers(0))
def test_a_swap_exchanges_as_many_members_as_non_members(
    labels: list[int], share: float, seed: int
) -> None:
    """The smaller side of select as a whole; all else stays, the audit pool above all."""
    pools = cut(tensor(labels), share, seed=seed % 2**32)
    assert pools.select is not None

    twin, exchanged = pools.swap(tensor(labels), generator=torch.Generator().manual_seed(1))

    assert twin.select is not None
    count = min(len(pools.select.members), len(pools.select.non_members))
    assert len(exchanged.members) == len(exchanged.non_members) == count
    assert set(exchanged.members.tolist()) <= set(pools.select.members.tolist())
    assert set(exchanged.members.tolist()) <= set(twin.select.non_members.tolist())
    assert set(exchanged.non_members.tolist()) <= set(twin.select.members.tolist())
    assert len(twin.members) == len(pools.members)
    assert twin.select.indices.sort().values.equal(pools.select.indices.sort().values)
    assert (twin.attack_train, twin.audit) == (pools.attack_train, pools.audit)


def test_a_swap_of_a_large_side_is_stratified() -> None:
    """Of 60 non-members a third goes in, and so a third of every label."""
    labels = arange(400) % 4
    pools = cut(labels, 0.25)

    _, exchanged = pools.swap(labels, generator=torch.Generator().manual_seed(1))

    for side in (exchanged.members, exchanged.non_members):
        assert sorted(labels[side].bincount().tolist()) == [7, 7, 8, 8]


def test_a_swap_keeps_groups_together(all_digits: Dataset) -> None:
    """Whoever wrote several digits moves with all of them, or with none."""
    groups = arange(len(all_digits.labels)) // 5
    pools = build_pools(
        all_digits.labels,
        members=0.3,
        attack_train=0.4,
        select=0.3,
        audit=0.3,
        generator=torch.Generator().manual_seed(3),
        groups=groups,
    )

    twin, exchanged = pools.swap(
        all_digits.labels, groups=groups, generator=torch.Generator().manual_seed(1)
    )

    assert twin.select is not None
    moved = set(groups[exchanged.non_members].tolist())
    assert not moved & set(groups[twin.select.non_members].tolist())
    assert abs(len(exchanged.members) - len(exchanged.non_members)) <= 5


def test_a_pool_that_is_too_small_to_swap_is_refused() -> None:
    """Nine of a side give an AUC without any use."""
    labels = arange(60) % 2
    pools = cut(labels)

    with pytest.raises(PoolError, match="at least 10 samples of either side.*has 9 members and 9"):
        pools.swap(labels, generator=torch.Generator())
