"""Membership details: precision at a low prior, figures by label, the highest scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, precision_score, roc_auc_score

from safecompress_core.errors import PoolError
from safecompress_core.games.measures.membership_details import (
    advantage_of_decisions,
    label_table,
    precision_at_prior,
    top_scored,
)

RATES = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=4, max_size=60).filter(
    lambda rows: len({member for _, member in rows}) == 2
)


def columns(rows: list[tuple[bool, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Decisions and truth."""
    says, members = np.array(rows, dtype=bool).T
    return says, members


def test_precision_at_a_prior_by_hand() -> None:
    """TPR 0.5, FPR 0.1; of 100 people 10 are members: 5 hits among 5 + 9 accused."""
    says = np.array([True] * 10 + [False] * 10 + [True] * 2 + [False] * 18)
    members = np.arange(40) < 20

    found = precision_at_prior(says, members, prior=0.1)

    assert found is not None
    assert found.value == pytest.approx(5 / 14)
    assert found.low < 5 / 14 < found.high


@given(RATES)
def test_at_the_pools_own_share_it_is_the_plain_precision(rows: list[tuple[bool, bool]]) -> None:
    """The same number that scikit-learn counts, always within its interval."""
    says, members = columns(rows)
    prior = float(members.mean())

    found = precision_at_prior(says, members, prior=prior)

    assert (found is None) == (not says.any())
    if found is not None:
        assert found.value == pytest.approx(precision_score(members, says))
        assert 0 <= found.low <= found.value <= found.high <= 1


@given(RATES, st.floats(0.01, 0.5), st.floats(0.01, 0.49))
def test_precision_falls_with_the_prior(
    rows: list[tuple[bool, bool]], prior: float, more: float
) -> None:
    """The rarer members are, the less an accusation means."""
    says, members = columns(rows)
    rare, common = (
        precision_at_prior(says, members, prior=share) for share in (prior, prior + more)
    )

    if rare is not None and common is not None:
        assert rare.value <= common.value + 1e-12
        assert rare.low <= common.low + 1e-12
        assert rare.high <= common.high + 1e-12


def test_the_interval_of_precision_covers_at_least_as_often_as_it_says() -> None:
    """2,000 pools of 60 + 60 with TPR 0.4 and FPR 0.15."""
    generator = np.random.default_rng(1)
    members = np.arange(120) < 60
    truth = 0.1 * 0.4 / (0.1 * 0.4 + 0.9 * 0.15)
    covered = 0
    for _ in range(2000):
        says = generator.random(120) < np.where(members, 0.4, 0.15)
        found = precision_at_prior(says, members)
        assert found is not None
        covered += found.low <= truth <= found.high

    assert covered / 2000 >= 0.95


@pytest.mark.parametrize("prior", [0, 1, -0.1])
def test_a_prior_that_is_none_is_refused(prior: float) -> None:
    """With a prior of 0 or 1 membership is known in advance."""
    with pytest.raises(ValueError, match="prior must be in"):
        precision_at_prior(np.ones(4, bool), np.arange(4) < 2, prior=prior)


def test_the_highest_tenth_by_hand() -> None:
    """Of 20 samples the two with the highest scores, one of them a member."""
    scores = np.arange(20.0)
    members = np.zeros(20, bool)
    members[[0, 1, 2, 19]] = True

    found = top_scored(scores, members)

    assert (found.samples, found.members, found.share, found.baseline) == (2, 1, 0.1, 0.2)
    assert found.precision.value == 0.5
    # the inverse of Bin(2, p): 1 − √0.975 and √0.975
    assert found.precision.interval == pytest.approx((1 - 0.975**0.5, 0.975**0.5))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=80),
    st.floats(0.01, 1),
)
def test_ties_at_the_edge_count_whole(rows: list[tuple[int, bool]], share: float) -> None:
    """At least the requested number, and no score outside equals one inside."""
    scores, members = np.array([s for s, _ in rows], float), np.array([m for _, m in rows])

    found = top_scored(scores, members, share=share)

    least = np.sort(scores)[::-1][found.samples - 1]
    assert found.samples >= share * len(rows) - 1e-6
    assert (scores >= least).sum() == found.samples
    assert members[scores >= least].sum() == found.members
    assert ((scores > least).sum() < share * len(rows)) or found.samples == len(rows)


def test_figures_of_a_label_are_those_of_its_samples_alone() -> None:
    """Balanced accuracy and AUC as scikit-learn has them; a label with too few is marked."""
    generator = np.random.default_rng(2)
    labels = np.repeat([0, 1, 2], [60, 50, 15])
    members = np.concatenate([np.arange(110) % 2 == 0, np.arange(15) < 9])
    scores = generator.normal(size=125).round(1) + members * np.array([0.0, 2.0, 1.0])[labels]
    says = scores > 0.5

    nothing, much, few = label_table(scores, says, members, labels, names=("a", "b", "c"))

    for label, found in enumerate((nothing, much)):
        rows = labels == label
        assert found.auc is not None
        assert found.accuracy is not None
        assert found.advantage is not None
        accuracy = balanced_accuracy_score(members[rows], says[rows])
        assert found.auc.value == pytest.approx(roc_auc_score(members[rows], scores[rows]))
        assert found.accuracy.value == pytest.approx(accuracy)
        assert found.advantage.value == pytest.approx(max(0, 2 * accuracy - 1))
    assert much.advantage is not None
    assert much.advantage.low > 0.2
    assert (few.members, few.non_members, few.auc) == (9, 6, None)
    assert few.to_json()["note"] == "fewer than 10 members or non-members"
    assert few.to_json()["advantage_interval"] is None
    assert "note" not in much.to_json()


def test_a_label_without_any_sample_is_listed_all_the_same() -> None:
    """An empty label is not left out silently."""
    ones = np.ones(4)

    table = label_table(
        ones, ones > 0, np.arange(4) < 2, np.zeros(4, np.int64), names=("here", "absent")
    )

    assert [(one.label, one.members, one.non_members) for one in table] == [
        ("here", 2, 2),
        ("absent", 0, 0),
    ]


def test_a_gain_needs_both_sides() -> None:
    """Without members or without non-members there is no rate."""
    with pytest.raises(PoolError, match="both needed"):
        advantage_of_decisions(np.ones(3, bool), np.ones(3, bool))
