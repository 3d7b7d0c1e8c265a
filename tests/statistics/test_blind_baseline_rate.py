"""How often the blind baseline voids an audit: of random halves never, with a shift always."""

import csv
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from safecompress_core.audit.blind_baseline import blind_baseline
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool, SamplePools
from safecompress_core.seeding import Seed

pytestmark = pytest.mark.simulation

DATA = Path(os.environ.get("SAFECOMPRESS_DATA", "../shared/data"))


def census() -> tuple[Dataset, Tensor]:
    """4,000 records of Adult without their age, and who is older than 37."""
    path = DATA / "adult.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:4000]
    names = ("education-num", "hours-per-week", "capital-gain", "capital-loss")
    inputs = torch.tensor([[float(row[name]) for name in names] for row in rows])
    labels = torch.tensor([">" in row["Salary"] for row in rows])
    dataset = Dataset(inputs=inputs, labels=labels.long(), classes=("<=50K", ">50K"), attributes={})
    return dataset, torch.tensor([int(row["age"]) > 37 for row in rows])


def halves(count: int, is_other: Tensor | None, seed: int) -> SamplePools:
    """As many members as non-members, halved: random, or all non-members of the other kind."""
    generator = Seed(seed).torch()
    shuffled = torch.randperm(count, generator=generator)
    if is_other is None:
        sides = [shuffled[: count // 2], shuffled[count // 2 :]]
    else:
        sides = [shuffled[~is_other[shuffled]], shuffled[is_other[shuffled]]]
    size = min(map(len, sides)) // 2
    known, asked = ([side[part] for side in sides] for part in (slice(size), slice(size, 2 * size)))
    return SamplePools(Pool("attack_train", *known), None, Pool("audit", *asked))


def test_random_members_are_not_void_and_members_of_another_age_are() -> None:
    """At least 95 of 100 random splits stay, each of 8 by age is void; their age is not in it."""
    dataset, is_other = census()

    def is_void(others: Tensor | None, seed: int) -> bool:
        pools = halves(len(dataset), others, seed)
        return blind_baseline(dataset, pools, seed=Seed(seed)).shifted

    assert sum(is_void(None, seed) for seed in range(100)) <= 5
    assert all(is_void(is_other, seed) for seed in range(8))
