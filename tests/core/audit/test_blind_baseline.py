"""The blind baseline: random members are not void, members of another kind are, and by what."""

import csv
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from safecompress_core.audit.blind_baseline import blind_baseline
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool, SamplePools, build_pools
from safecompress_core.seeding import Seed

DATA = Path(os.environ.get("SAFECOMPRESS_DATA", "../shared/data"))


def pools_of(is_member: Tensor, *, seed: int = 0, most: int = 2000) -> SamplePools:
    """As many members as non-members, drawn at random and halved; there is no pool to select on."""
    sides = [is_member.nonzero()[:, 0], (~is_member).nonzero()[:, 0]]
    count = min(most, *map(len, sides))
    generator = Seed(seed).torch()
    members, others = (
        side[torch.randperm(len(side), generator=generator)[:count]].sort().values for side in sides
    )
    half = count // 2
    return SamplePools(
        Pool("attack_train", members[:half], others[:half]),
        None,
        Pool("audit", members[half:], others[half:]),
    )


def test_random_members_are_never_shifted(all_digits: Dataset) -> None:
    """Five seeds here; of 100 seeds none was, nor of 100 splits of Adult, or of AG News."""
    for number in range(5):
        pools = build_pools(
            all_digits.labels,
            members=0.5,
            attack_train=0.3,
            select=0.4,
            audit=0.3,
            generator=Seed(number).torch(),
        )

        found = blind_baseline(all_digits, pools, seed=Seed(number))

        assert not found.shifted
        assert found.columns == ()
        assert found.auc == pytest.approx(0.5, abs=0.12)
        assert (found.members, found.non_members) == (
            len(pools.audit.members),
            len(pools.audit.non_members),
        )


def test_members_of_other_sessions_are_shifted(all_digits: Dataset) -> None:
    """Digits that other people wrote, on another day: the handwriting gives them away."""
    session = all_digits.attributes["session"].values

    found = blind_baseline(all_digits, pools_of(session < 7), seed=Seed(0))

    assert found.shifted
    assert found.auc is not None
    assert found.auc > 0.6
    assert found.auc_interval is not None
    assert found.auc_interval[0] > 0.5


def test_the_columns_that_differ_are_named_first(all_digits: Dataset) -> None:
    """One that only members have brighter; the others are as they were drawn."""
    is_member = torch.rand(len(all_digits), generator=Seed(3).torch()) < 0.5
    inputs = all_digits.inputs
    assert isinstance(inputs, Tensor)
    inputs = inputs.clone()
    inputs[is_member, 20] += 0.3
    shifted = Dataset(
        inputs=inputs,
        labels=all_digits.labels,
        classes=all_digits.classes,
        attributes={},
        features={"scanner": (20,), "paper": (21, 22)},
    )

    found = blind_baseline(shifted, pools_of(is_member), seed=Seed(0))

    assert found.shifted
    assert found.columns[0].name == "scanner"
    assert found.columns[0].auc_loss > 0.1
    assert len(found.columns) <= 5


def test_other_labels_are_a_shift_as_well(all_digits: Dataset) -> None:
    """An attack sees the label, so members of one label are told by it."""
    labels = all_digits.labels
    unseen = Dataset(
        inputs=torch.zeros(len(labels), 2), labels=labels, classes=all_digits.classes, attributes={}
    )

    found = blind_baseline(unseen, pools_of(labels < 5), seed=Seed(0))

    assert [column.name for column in found.columns] == ["task label"]


def test_samples_of_one_group_are_in_one_fold() -> None:
    """Inputs that only say whose they are: members of a group are recognised by its other ones."""
    groups = torch.arange(960) % 24
    is_member = groups % 2 == 0
    one_hot = torch.nn.functional.one_hot(groups, 24).float()
    plain = Dataset(inputs=one_hot, labels=torch.zeros(960).long(), classes=("a",), attributes={})
    # As pools are cut: no group is in two of them.
    known, asked = (
        Pool(name, *((is_there & side).nonzero()[:, 0] for side in (is_member, ~is_member)))
        for name, is_there in (("attack_train", groups < 12), ("audit", groups >= 12))
    )
    pools = SamplePools(known, None, asked)

    apart = blind_baseline(replace(plain, groups=groups), pools, seed=Seed(0))
    mixed = blind_baseline(plain, pools, seed=Seed(0))

    assert mixed.shifted
    assert not apart.shifted


def test_the_same_seed_gives_the_same_record(all_digits: Dataset) -> None:
    """And what the spec accepts is recorded, found or not."""
    pools = pools_of(all_digits.attributes["session"].values < 7)

    first, second = (
        blind_baseline(all_digits, pools, seed=Seed(5), accept_shift=accepted)
        for accepted in (False, True)
    )

    assert first == second.model_copy(update={"accepted": False})
    assert second.accepted


def test_where_it_is_not_possible_it_says_why(all_digits: Dataset) -> None:
    """Predictions alone have no inputs, and a few samples show nothing."""
    labels = all_digits.labels
    # Answers of a model are no inputs: they are what attacks read.
    bare = replace(all_digits, holds_answers=True)
    is_member = torch.arange(len(labels)) % 2 == 0
    few = torch.arange(len(labels)) < 30

    without = blind_baseline(bare, pools_of(is_member), seed=Seed(0))
    small = blind_baseline(all_digits, pools_of(few), seed=Seed(0))

    assert (without.auc, without.shifted) == (None, False)
    assert without.note == "the inputs of the samples are unknown"
    assert (small.auc, small.note) == (None, "it needs 20 members and non-members")


@pytest.mark.slow
def test_news_of_another_time_are_shifted_and_a_random_half_is_not() -> None:
    """AG News by words: the first half of the file against the second, and every other text."""
    path = DATA / "ag_news_test.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    news = Dataset(
        inputs=torch.zeros(len(rows), 0),
        labels=torch.tensor([int(row[0]) - 1 for row in rows]),
        classes=("world", "sports", "business", "science"),
        attributes={},
        texts=tuple(f"{row[1]}\n{row[2]}" for row in rows),
    )
    position = torch.arange(len(rows))

    by_time = blind_baseline(news, pools_of(position < len(rows) // 2, most=4000), seed=Seed(0))
    by_turns = blind_baseline(news, pools_of(position % 2 == 0), seed=Seed(0))

    assert by_time.shifted
    assert by_time.inputs == "words"
    assert any(column.name.startswith("word ") for column in by_time.columns)
    assert not by_turns.shifted


@pytest.mark.slow
def test_census_records_of_another_age_are_shifted_by_age() -> None:
    """Adult, members under 30 against others."""
    path = DATA / "adult.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:4000]
    names = ("age", "education-num", "hours-per-week", "capital-gain")
    census = Dataset(
        inputs=torch.tensor([[float(row[name]) for name in names] for row in rows]),
        labels=torch.tensor([int(">" in row["Salary"]) for row in rows]),
        classes=("<=50K", ">50K"),
        attributes={},
        features={name: (column,) for column, name in enumerate(names)},
    )

    found = blind_baseline(census, pools_of(census.inputs[:, 0] < 30), seed=Seed(0))

    assert found.shifted
    assert found.columns[0].name == "age"
