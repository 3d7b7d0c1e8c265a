"""Disjoint member and non-member pools for attack training, selection and audit."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.grouping import split_groups
from safecompress_core.errors import PoolError

__all__ = [
    "FEWEST_EXCHANGED",
    "Pool",
    "SamplePools",
    "build_pools",
    "choose_stratified",
    "cut_pools",
    "fingerprint",
]

FEWEST = 2
"""Samples that each side of a pool needs: one fewer has no spread."""

FEWEST_EXCHANGED = 10
"""Samples of either side that a swap twin exchanges: with fewer, an AUC has no useful interval."""


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Samples on which attacks are trained, compared or reported.

    Attributes:
        name: what errors and results call it.
        members: positions in the data set of samples that train the model, int64.
        non_members: positions of samples that never do, int64.

    Raises:
        PoolError: if either side has fewer than 2 samples.
    """

    name: str
    members: Tensor
    non_members: Tensor

    def __post_init__(self) -> None:
        for side, indices in (("members", self.members), ("non-members", self.non_members)):
            # Checked on construction, so that no pool with an undefined variance exists.
            if len(indices) < FEWEST:
                raise PoolError(
                    f"pool '{self.name}' would have {len(indices)} {side}, but needs at least "
                    f"{FEWEST}; give it a larger share or use more data"
                )

    def __len__(self) -> int:
        return len(self.members) + len(self.non_members)

    @property
    def indices(self) -> Tensor:
        """All positions, members first, shape (N,)."""
        # Members first: `is_member` and other modules rely on this order.
        return torch.cat([self.members, self.non_members])

    @property
    def is_member(self) -> Tensor:
        """Membership in the order of ``indices``, shape (N,), bool."""
        return torch.arange(len(self)) < len(self.members)


@dataclass(frozen=True, slots=True, eq=False)
class SamplePools:
    """The three pools of a run, and its canaries; an audit chooses nothing, and has two.

    Attributes:
        attack_train: what the simulated adversary knows.
        select: what candidates are tested on; its non-members are the validation set. None where
            nothing is chosen.
        audit: touched once, at the end; its non-members are the test set.
        canaries: samples with a wrong label, in none of the three; None for a run without any.
        reference: positions of non-members that a defence may learn from, in none of the three and
            unknown to every attack; None where no defence has any.

    Raises:
        PoolError: if a sample is in two places.
    """

    attack_train: Pool
    select: Pool | None
    audit: Pool
    canaries: Pool | None = None
    reference: Tensor | None = None

    def __post_init__(self) -> None:
        places = [pool.indices for pool in self]
        if self.reference is not None:
            places.append(self.reference)
        # One pass over all pools: any position that occurs twice is a leak.
        indices, times = torch.unique(torch.cat(places), return_counts=True)
        twice = indices[times > 1]
        # A shared sample would be attacked with knowledge of its membership.
        if len(twice):
            raise PoolError(
                f"pools must be disjoint, but {len(twice)} samples are in two places; "
                f"the first is sample {int(twice[0])}"
            )

    def __iter__(self) -> Iterator[Pool]:
        pools = (self.attack_train, self.select, self.audit, self.canaries)
        return iter([pool for pool in pools if pool is not None])

    @property
    def members(self) -> Tensor:
        """The training set: the members of all pools, rising, int64."""
        # Sorted, so that batches depend on the seed and not on how pools were cut.
        return torch.cat([pool.members for pool in self]).sort().values

    def with_reference(self, share: float, *, generator: torch.Generator) -> "SamplePools":
        """The same pools, but for non-members of attack-train that a defence gets instead.

        Samples that a model was trained to treat like members do not represent other non-members,
        and would spoil an attacker's threshold: so they are not among those that it knows.

        Args:
            share: of the non-members of attack-train, in [0, 1); 0 takes none.
            generator: who they are.

        Raises:
            PoolError: if attack-train would be left with fewer than 2.
        """
        # Returns before any random number is drawn: runs without a reference stay as they were.
        if not share:
            return self
        known = self.attack_train
        order = torch.randperm(len(known.non_members), generator=generator)
        # At least one sample for any positive share.
        count = max(1, round(share * len(order)))
        taken, left = (
            # Sorted positions, like every other part of a pool.
            known.non_members[part.sort().values]
            for part in order.tensor_split([count])
        )
        # From attack-train alone: select and audit keep the size that the spec asks for.
        return replace(self, attack_train=Pool(known.name, known.members, left), reference=taken)

    def swap(
        self, labels: Tensor, *, groups: Tensor | None = None, generator: torch.Generator
    ) -> "tuple[SamplePools, Pool]":
        """Exchange members of select with as many of its non-members: the pools of a swap twin.

        Of the larger side some stay where they are, chosen at random and stratified by label; whole
        groups where there are any, so that the two sides are as equal as groups allow. The other
        pools stay as they are, so the audit pool is in neither exchange.

        Args:
            labels: task label of each sample of the data set, shape (N,), int64.
            groups: what belongs together, shape (N,), int64; None for nothing.
            generator: who of the larger side is exchanged.

        Returns:
            The twin's pools, and the exchanged samples: members of these pools against non-members.

        Raises:
            PoolError: if there is no select pool, or either side would exchange fewer than
                ``FEWEST_EXCHANGED``.

        Source: Feldman 2020, "Does Learning Require Memorization?", STOC; Zhang et al. 2023,
        "Counterfactual Memorization in Neural Language Models", NeurIPS, definition 1.
        """
        if self.select is None:
            raise PoolError("a swap twin exchanges samples of the pool 'select'; give it a share")
        sides = (self.select.members, self.select.non_members)
        count = min(map(len, sides))
        if count < FEWEST_EXCHANGED:
            raise PoolError(
                f"a swap twin exchanges at least {FEWEST_EXCHANGED} samples of either side, and "
                f"pool 'select' has {len(sides[0])} members and {len(sides[1])} non-members; give "
                "it a larger share or use more data"
            )
        # The smaller side as a whole, so that every sample of it is compared.
        (out, stays_in), (into, stays_out) = (
            (side, side[:0])
            if len(side) == count
            else _split(side, labels, groups, (count, len(side) - count), generator)
            for side in sides
        )
        select = Pool(
            self.select.name,
            torch.cat([stays_in, into]).sort().values,
            torch.cat([stays_out, out]).sort().values,
        )
        return replace(self, select=select), Pool("exchanged", out, into)

    def fingerprints(self, dataset: Dataset) -> dict[str, str]:
        """By pool name, a SHA-256 of which samples it holds on which side, and of their contents.

        The same on every platform: positions, inputs, labels and attributes as little-endian bytes.
        """
        return {pool.name: fingerprint(dataset, (pool.members, pool.non_members)) for pool in self}


def fingerprint(dataset: Dataset, sides: Sequence[Tensor]) -> str:
    """A SHA-256 of which samples are on which side (positions, int64), and of their contents."""
    digest = hashlib.sha256()
    # By name, since the order of attributes is no property of the data.
    attributes = [dataset.attributes[name].values for name in sorted(dataset.attributes)]
    for side in sides:
        _add(digest, side)
        if isinstance(dataset.inputs, Tensor):
            _add(digest, dataset.inputs[side])
        else:
            # Contents are bytes without a shape of their own.
            digest.update(f"{tuple(dataset.inputs.shape)}".encode())
            for content in dataset.inputs.contents(side):
                digest.update(content)
        for column in (dataset.labels, *attributes):
            _add(digest, column[side])
    if dataset.asked is not None:
        digest.update(fingerprint(dataset.asked, sides).encode())
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", part: Tensor) -> None:
    values = part.cpu().contiguous().numpy()
    # dtype and shape first: equal bytes of another shape are other data.
    digest.update(f"{values.dtype.name}{values.shape}".encode())
    # Little-endian on every platform; without a copy where it is so already.
    digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())


def build_pools(
    labels: Tensor,
    *,
    members: float | int,
    attack_train: float,
    select: float,
    audit: float,
    generator: torch.Generator,
    canaries: int = 0,
    groups: Tensor | None = None,
) -> SamplePools:
    """Cut all samples at random into members and non-members, and both into three pools.

    Every cut is stratified by task label, so that the label says nothing of membership. All
    samples are used, and the number of members is exact; with groups, as near as whole groups
    allow.

    Args:
        labels: task label of each sample, shape (N,), int64.
        members: how many samples train the model, or (a float) their share, in (0, 1).
        attack_train: share of that pool; with the next two it sums to 1. Sizes go by largest
            remainder.
        select: share of that pool; 0 for none.
        audit: share of that pool.
        generator: what decides who goes where.
        canaries: how many members, and as many non-members, are kept out of the three pools.
        groups: what belongs together and stays in one pool, shape (N,), int64; None for nothing.

    Raises:
        PoolError: if more members or canaries are asked for than there are, or a pool would have
            fewer than 2 samples on either side.
    """
    shares = (attack_train, select, audit)
    # A sum of decimal fractions may miss 1 by rounding.
    if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
        raise PoolError(f"the shares of the pools must sum to 1, but {shares} sum to {sum(shares)}")
    count = _member_count(members, len(labels))
    is_member = torch.zeros(len(labels), dtype=torch.bool)
    sizes = (count, len(labels) - count)
    # The same cut as for pools, so that members are stratified by label, or by group.
    is_member[_split(torch.arange(len(labels)), labels, groups, sizes, generator)[0]] = True
    return cut_pools(
        labels, is_member, shares=shares, generator=generator, canaries=canaries, groups=groups
    )


def cut_pools(
    labels: Tensor,
    is_member: Tensor,
    *,
    shares: tuple[float, float, float],
    generator: torch.Generator,
    canaries: int = 0,
    groups: Tensor | None = None,
) -> SamplePools:
    """Cut members and non-members, each stratified by task label, into three pools.

    Args:
        labels: task label of each sample, shape (N,), int64.
        is_member: which of them train the model, shape (N,), bool.
        shares: of attack-train, select and audit; they sum to 1. That of select may be 0.
        generator: what decides who goes where.
        canaries: samples of either side that are taken out before.
        groups: what belongs together and, canaries apart, stays in one pool, shape (N,), int64.

    Raises:
        PoolError: if a group is on both sides, a pool would have fewer than 2 samples on either
            side, or there are fewer samples on a side than canaries.
    """
    # A group on both sides would make its non-members known to the model.
    if groups is not None:
        _check_sides(groups, is_member)
    apart = []
    ordinary = []
    # Sides are cut one after another: the order of random draws is part of a seed's result.
    for side in (is_member.nonzero()[:, 0], (~is_member).nonzero()[:, 0]):
        if canaries > len(side):
            raise PoolError(f"{canaries} canaries are asked for of {len(side)} samples on a side")
        # Empty slices keep dtype and device of the side.
        taken, rest = side[:0], side
        # No draw without canaries: the option must not change the pools of runs without it.
        if canaries:
            sizes = (canaries, len(side) - canaries)
            taken, rest = _split_stratified(side, labels, sizes, generator)
        apart.append(taken)
        ordinary.append(rest)
    sides = [
        _split(side, labels, groups, _sizes(len(side), shares), generator) for side in ordinary
    ]
    known, chosen_on, asked = zip(*sides, strict=True)
    return SamplePools(
        Pool("attack_train", *known),
        # A selection pool of share 0 is absent, rather than empty, which a pool cannot be.
        Pool("select", *chosen_on) if shares[1] else None,
        Pool("audit", *asked),
        Pool("canaries", *apart) if canaries else None,
    )


def _member_count(members: float | int, total: int) -> int:
    # A float is a share and an int a number: 1 and 1.0 mean different things.
    if isinstance(members, float):
        if not 0 < members < 1:
            raise PoolError(f"the share of members must be in (0, 1), but is {members}")
        return round(members * total)
    if not 0 < members <= total:
        raise PoolError(f"{members} members are asked for, but there are {total} samples")
    return members


def _sizes(total: int, shares: Sequence[float]) -> tuple[int, ...]:
    """Whole numbers in proportion to ``shares`` that sum to ``total``, by largest remainder."""
    quotas = np.round(np.asarray(shares) * total, 9)  # 0.3 * 10 is 3, whatever the last bit says
    sizes = np.floor(quotas).astype(np.int64)
    # Stable: of equal remainders the first pool gets the sample.
    order = np.argsort(-(quotas - sizes), kind="stable")
    sizes[order[: total - sizes.sum()]] += 1
    return tuple(sizes.tolist())


def _check_sides(groups: Tensor, is_member: Tensor) -> None:
    both = set(groups[is_member].tolist()) & set(groups[~is_member].tolist())
    if both:
        raise PoolError(
            f"{len(both)} groups have members and non-members; let the seed decide who is a member"
        )


def _split(
    indices: Tensor,
    labels: Tensor,
    groups: Tensor | None,
    sizes: Sequence[int],
    generator: torch.Generator,
) -> list[Tensor]:
    if groups is None:
        return _split_stratified(indices, labels, sizes, generator)
    return split_groups(indices, labels, groups, sizes, generator)


def _split_stratified(
    indices: Tensor, labels: Tensor, sizes: Sequence[int], generator: torch.Generator
) -> list[Tensor]:
    """Parts of exactly these sizes (they sum to the number of indices), each sorted.

    Each part has as much of every label as the whole, to within rounding.
    """
    shuffled = indices[torch.randperm(len(indices), generator=generator)]
    parts = []
    for size in sizes:
        # Each part is chosen from what the parts before it have left.
        taken = choose_stratified(labels[shuffled], size, generator)
        parts.append(shuffled[taken].sort().values)
        shuffled = shuffled[~taken]
    return parts


def choose_stratified(labels: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Choose ``size`` samples in proportion to the labels; shape (N,), bool.

    Of equal labels the first are taken, so shuffle them beforehand.
    """
    # A full choice draws no random numbers.
    if size == len(labels):
        return torch.ones(len(labels), dtype=torch.bool)
    _, label, counts = torch.unique(labels, return_inverse=True, return_counts=True)
    # Integer arithmetic: floating-point quotas could round to a different size.
    quotas = counts * size // len(labels)
    remainders = counts * size % len(labels)
    # Below 1, so that ties are broken without changing the order of whole remainders.
    ties = torch.rand(len(counts), generator=generator, dtype=torch.float64)
    order = (remainders + ties).argsort(descending=True)  # largest remainder, ties at random
    quotas[order[: size - int(quotas.sum())]] += 1
    by_label = label.argsort(stable=True)
    # Position of each label's first sample in the order by label.
    first = counts.cumsum(0) - counts
    rank = torch.empty_like(by_label)
    # The rank of a sample within its label; the first `quota` ranks are chosen.
    rank[by_label] = torch.arange(len(labels)) - first[label[by_label]]
    chosen: Tensor = rank < quotas[label]
    return chosen
