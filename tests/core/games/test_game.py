"""Games: measures are computed in one place, the same way for every attack."""

import json
from dataclasses import replace
from statistics import NormalDist

import pytest
import torch

from safecompress_core.api import AttackerParams, AttributeAttackerParams
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import build_pools
from safecompress_core.errors import PoolError
from safecompress_core.games.attribute import AttributeGame
from safecompress_core.games.manifest import ATTRIBUTE, MEMBERSHIP
from safecompress_core.games.membership import MembershipGame
from safecompress_core.games.scores import AttackScores
from tests.core.fixtures.answers import gaussian, judged_membership


@pytest.mark.parametrize(
    ("known_gap", "advantage"),
    [
        (-1.5, 2 * NormalDist().cdf(0.75) - 1),
        (1.5, NormalDist().cdf(2.25) - NormalDist().cdf(0.75)),
    ],
)
def test_an_inverted_attack_is_judged_in_both_directions(
    known_gap: float, advantage: float
) -> None:
    """Members exchanged in both pools, or in the reported one alone: the reverse is informative.

    Attack-train sets the threshold at −0.75 in the first case, in the middle of the two sides, and
    at 0.75 in the second, which the opposite decisions keep.
    """
    known, asked = gaussian(300, 200, gap=known_gap), gaussian(250, 400, gap=-1.5, seed=1)

    result = judged_membership(known, asked)

    assert result.auc is not None
    assert result.auc.high < 0.5
    assert result.advantage.value == 0.0
    other = result.reversed
    assert other is not None
    assert other.auc is not None
    assert other.auc.value == pytest.approx(1 - result.auc.value)
    assert other.advantage.value == pytest.approx(advantage, abs=0.12)
    document = result.to_json()["reversed"]
    assert set(document) == {
        *("accuracy", "accuracy_interval", "advantage", "advantage_interval"),
        *("auc", "auc_interval"),
    }
    assert document["advantage"] == other.advantage.value


@pytest.mark.parametrize("gap", [0.0, 1.5])
def test_an_attack_that_is_weak_or_right_has_no_reverse(gap: float) -> None:
    """0.5 is in the interval, or below it."""
    result = judged_membership(gaussian(300, 200, gap=gap), gaussian(250, 400, gap=gap, seed=1))

    assert result.reversed is None
    assert "reversed" not in result.to_json()


def test_an_attribute_whose_values_are_swapped_is_judged_in_both_directions() -> None:
    """The attack finds every value, with the two values exchanged."""
    generator = torch.Generator().manual_seed(18)
    truth = (torch.rand(200, generator=generator) < 0.4).long()
    asked = AttackScores(
        scores=torch.nn.functional.one_hot(1 - truth, 2).double(),
        truth=truth,
        labels=torch.zeros(200, dtype=torch.int64),
        is_member=torch.arange(200) < 100,
    )

    result = AttributeGame(ATTRIBUTE).measure_scores(asked, asked)

    assert result.auc is not None
    assert (result.auc.value, result.advantage.value) == (0.0, 0.0)
    assert result.reversed is not None
    assert result.reversed.accuracy.value == result.reversed.advantage.value == 1.0
    assert {"lift", "lift_interval"} <= set(result.to_json()["reversed"])


def test_json_of_either_game_has_its_documented_keys() -> None:
    """``results.json`` is strict JSON."""
    common = {
        "game",
        "n",
        "members",
        "non_members",
        "accuracy",
        "accuracy_interval",
        "auc",
        "auc_interval",
        "advantage",
        "advantage_interval",
        "baseline",
    }
    cheap = gaussian(50, 50)
    values = torch.arange(100) % 3
    scores = torch.nn.functional.one_hot(values, 3).double()
    told = replace(cheap, scores=scores, truth=values)
    attribute = AttributeGame(ATTRIBUTE).measure_scores(told, told)
    lifts = ("lift", "lift_members", "lift_non_members")

    for result, own in (
        (judged_membership(cheap, cheap), {"threshold", "operating_points"}),
        (attribute, {"macro_f1", "baseline_rule", *lifts, *(f"{one}_interval" for one in lifts)}),
    ):
        document = json.loads(json.dumps(result.to_json(), allow_nan=False))
        assert set(document) == common | own


def test_the_truth_of_a_game_follows_the_pool(all_digits: Dataset) -> None:
    """Membership is the pool's, an attribute the data's, in the order of the pool's indices."""
    pool = build_pools(
        all_digits.labels,
        members=0.5,
        attack_train=0.4,
        select=0.3,
        audit=0.3,
        generator=torch.Generator().manual_seed(18),
    ).audit

    truth, values = MembershipGame(MEMBERSHIP).truth(all_digits, pool, AttackerParams())
    assert truth.equal(pool.is_member)
    assert values == 2
    truth, values = AttributeGame(ATTRIBUTE).truth(
        all_digits, pool, AttributeAttackerParams(attribute="session")
    )
    assert truth.equal(all_digits.attributes["session"].values[pool.indices])
    assert values == 14
    with pytest.raises(PoolError, match=r"no attribute 'age'; it has \['session'\]"):
        AttributeGame(ATTRIBUTE).truth(all_digits, pool, AttributeAttackerParams(attribute="age"))
