"""The most exposed members, overlap of attacks and risk by group, worked out by hand."""

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from safecompress_core.audit.record_risks import MOST_EXPOSED, describe_risks
from safecompress_core.data.dataset import Attribute, Dataset
from tests.core.fixtures.scores import scored_records


def people(count: int) -> Dataset:
    """Samples 10, 11, … of some data; labels x and y take turns, the second half is old."""
    return Dataset(
        inputs=torch.zeros(count, 1),
        labels=torch.arange(count) % 2,
        classes=("x", "y"),
        attributes={"age": Attribute((torch.arange(count) * 2) // count, ("young", "old"))},
        positions=torch.arange(10, 10 + count),
    )


def test_members_of_the_highest_risk_come_first() -> None:
    """Non-members are not exposed, and of equal risks the better rank counts."""
    attack = scored_records(
        "compressed", "lira", [1, 2, 3, 9, 0, 0, 0, 8], risks=[0.2, 0.9, 0.9, 0.95, 0, 0, 0, 0.99]
    )

    found = describe_risks([attack], people(8), min_risk=0.9)

    assert found is not None
    assert [(one.position, one.rank, one.risk) for one in found.exposed] == [
        (13, 1, 0.95),
        (12, 3, 0.9),
        (11, 4, 0.9),
        (10, 5, 0.2),
    ]
    assert [one.flagged_by for one in found.exposed] == [("lira",)] * 3 + [()]
    assert found.exposed[0].label == "y"
    assert found.exposed[0].risk_interval is None


def test_the_attack_with_the_highest_auc_ranks() -> None:
    """Others only say whether they flag the same members; no more than twenty are named."""
    scores = np.arange(60.0)
    weak = scored_records("compressed", "loss", scores, risks=np.full(60, 0.95))
    strong = scored_records("compressed", "lira", -scores, risks=np.full(60, 0.7))

    found = describe_risks([weak, strong], people(60), min_risk=0.9)

    assert found is not None
    assert found.attack == "lira"
    assert len(found.exposed) == MOST_EXPOSED
    assert found.exposed[0].flagged_by == ("loss",)


def test_overlap_is_the_jaccard_index_of_the_members_found() -> None:
    """As scikit-learn counts it, at 1 % false positives of 1,000 non-members."""
    generator = np.random.default_rng(0)
    is_member = np.arange(2000) < 1000
    common = generator.normal(size=2000) + 2 * is_member
    first, second = (common + generator.normal(size=2000) for _ in range(2))
    attacks = [
        scored_records("compressed", name, scores) for name, scores in (("a", first), ("b", second))
    ]

    found = describe_risks(attacks, people(2000), min_risk=0.9)

    assert found is not None
    assert found.max_fpr == 0.01
    [overlap] = found.overlap
    flags = [
        # Ten false positives are allowed, so the eleventh non-member is the first that is not.
        scores[is_member] > np.sort(scores[~is_member])[-11]
        for scores in (first, second)
    ]
    assert overlap.attacks == ("a", "b")
    assert overlap.flagged == tuple(int(flag.sum()) for flag in flags)
    assert overlap.jaccard == pytest.approx(jaccard_score(*flags))


@pytest.mark.parametrize(("count", "max_fpr"), [(1998, 0.1), (200, 0.1), (198, None)])
def test_few_non_members_allow_a_higher_limit_or_none(count: int, max_fpr: float | None) -> None:
    """Ten errors have to be allowed, as for every rate."""
    scores = np.arange(float(count))
    attacks = [scored_records("compressed", name, scores) for name in "ab"]

    found = describe_risks(attacks, people(count), min_risk=0.9)

    assert found is not None
    assert found.max_fpr == max_fpr
    assert len(found.overlap) == (max_fpr is not None)


def test_groups_are_labels_and_values_of_attributes() -> None:
    """Means of members' risks; a value that no member has is left out."""
    risks = [0.9, 0.5, 0.7, 0.3, 0.1, 0.1, 0.1, 0.1]
    attack = scored_records("compressed", "lira", [9, 8, 7, 6, 1, 2, 3, 4], risks=risks)

    found = describe_risks([attack], people(8), min_risk=0.9)

    assert found is not None
    groups = [(one.by, one.kind, one.value, one.members, one.exposed) for one in found.groups]
    assert groups == [
        ("label", "label", "x", 2, 1),
        ("label", "label", "y", 2, 0),
        ("age", "attribute", "young", 4, 1),
    ]
    assert [one.risk for one in found.groups] == pytest.approx([0.8, 0.4, 0.6])
    assert all(low <= one.risk <= high for one in found.groups for low, high in [one.risk_interval])


def test_without_an_attack_on_membership_there_is_no_section() -> None:
    """Attacks on attributes have no risk."""
    assert describe_risks([], people(4), min_risk=0.9) is None
    other = scored_records("compressed", "probe", [4, 3, 2, 1], risks=[np.nan] * 4)
    assert describe_risks([other], people(4), min_risk=0.9) is None
