"""Games: measures are computed in one place, the same way for every attack."""

import json
from statistics import NormalDist

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score
from torch import Tensor, tensor

from safecompress_core.api import AttackerParams, AttributeAttackerParams
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import build_pools
from safecompress_core.errors import PoolError
from safecompress_core.games.attack_result import Judgement, LowFprRate, Unresolvable
from safecompress_core.games.attribute import AttributeGame
from safecompress_core.games.manifest import ATTRIBUTE, MEMBERSHIP
from safecompress_core.games.membership import MembershipGame
from safecompress_core.games.scores import Answers

GAMES = {"membership": MembershipGame(MEMBERSHIP), "attribute": AttributeGame(ATTRIBUTE)}


def membership(scores: Tensor, members: int) -> Answers:
    """Scores of which the first are members'."""
    is_member = torch.arange(len(scores)) < members
    labels = torch.zeros(len(scores), dtype=torch.int64)
    return Answers(scores=scores, truth=is_member, labels=labels, is_member=is_member)


def judged_membership(known: Answers, asked: Answers, threshold: float | None = None) -> Judgement:
    """The membership game."""
    return MembershipGame(MEMBERSHIP).judge(known, asked, threshold=threshold)


def gaussian(members: int, others: int, *, gap: float = 1.0, seed: int = 18) -> Answers:
    """Members score N(gap, 1), others N(0, 1)."""
    scores = torch.randn(members + others, generator=torch.Generator().manual_seed(seed))
    return membership(scores + gap * (torch.arange(members + others) < members), members)


def test_always_saying_member_reads_one_half_whatever_the_pools() -> None:
    """900 members and 100 non-members: plain accuracy would read 0.9, as in the papers' code."""
    asked = membership(torch.ones(1000), 900)

    judgement = judged_membership(asked, asked, threshold=0.0)

    assert judgement.correct.mean() == 0.9
    assert judgement.accuracy.value == 0.5
    assert judgement.advantage.value == 0.0
    assert judgement.auc is not None
    assert judgement.auc.value == 0.5


def test_membership_measures_are_scikit_learns() -> None:
    """Balanced accuracy at the threshold, area under the curve, and what follows from them."""
    known, asked = gaussian(300, 200), gaussian(250, 400, seed=1)

    judgement = judged_membership(known, asked)

    scores, truth = asked.scores.numpy(), asked.truth.numpy()
    accuracy = balanced_accuracy_score(truth, scores > judgement.threshold)
    assert judgement.accuracy.value == pytest.approx(accuracy)
    assert judgement.advantage.value == pytest.approx(2 * accuracy - 1)
    assert judgement.auc is not None
    assert judgement.auc.value == pytest.approx(roc_auc_score(truth, scores))
    assert judgement.advantage.low < judgement.advantage.value < judgement.advantage.high
    assert (judgement.members, judgement.non_members, len(judgement)) == (250, 400, 650)


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
    """Members exchanged in both pools, or in the reported one alone: the reverse tells them apart.

    Attack-train sets the threshold at −0.75 in the first case, in the middle of the two sides, and
    at 0.75 in the second, which the opposite decisions keep.
    """
    known, asked = gaussian(300, 200, gap=known_gap), gaussian(250, 400, gap=-1.5, seed=1)

    judgement = judged_membership(known, asked)

    assert judgement.auc is not None
    assert judgement.auc.high < 0.5
    assert judgement.advantage.value == 0.0
    other = judgement.reversed
    assert other is not None
    assert other.auc is not None
    assert other.auc.value == pytest.approx(1 - judgement.auc.value)
    assert other.advantage.value == pytest.approx(advantage, abs=0.12)
    document = judgement.to_json()["reversed"]
    assert set(document) == {
        *("accuracy", "accuracy_interval", "advantage", "advantage_interval"),
        *("auc", "auc_interval"),
    }
    assert document["advantage"] == other.advantage.value


@pytest.mark.parametrize("gap", [0.0, 1.5])
def test_an_attack_that_is_weak_or_right_has_no_reverse(gap: float) -> None:
    """0.5 is in the interval, or below it."""
    judgement = judged_membership(gaussian(300, 200, gap=gap), gaussian(250, 400, gap=gap, seed=1))

    assert judgement.reversed is None
    assert "reversed" not in judgement.to_json()


def test_an_attribute_whose_values_are_swapped_is_judged_in_both_directions() -> None:
    """The attack knows every value, by the other one's name."""
    generator = torch.Generator().manual_seed(18)
    truth = (torch.rand(200, generator=generator) < 0.4).long()
    asked = Answers(
        scores=torch.nn.functional.one_hot(1 - truth, 2).double(),
        truth=truth,
        labels=torch.zeros(200, dtype=torch.int64),
        is_member=torch.arange(200) < 100,
    )

    judgement = AttributeGame(ATTRIBUTE).judge(asked, asked)

    assert judgement.auc is not None
    assert (judgement.auc.value, judgement.advantage.value) == (0.0, 0.0)
    assert judgement.reversed is not None
    assert judgement.reversed.accuracy.value == judgement.reversed.advantage.value == 1.0
    assert {"lift", "lift_interval"} <= set(judgement.to_json()["reversed"])


def test_the_threshold_comes_from_attack_train_alone() -> None:
    """It stays where it is when the scores that are reported move."""
    known = membership(tensor([3.0, 4.0, 0.0, 1.0]), 2)
    asked = membership(tensor([13.0, 14.0, 10.0, 11.0]), 2)

    judgement = judged_membership(known, asked)

    assert judgement.threshold == 2.0
    assert judgement.accuracy.value == 0.5
    assert judgement.auc is not None
    assert judgement.auc.value == 1.0


def test_an_attackers_own_threshold_is_taken() -> None:
    """A score of exactly the threshold does not count as a member."""
    asked = membership(tensor([0.5, 0.6, 0.5, 0.4]), 2)

    judgement = judged_membership(asked, asked, threshold=0.5)

    assert judgement.correct.tolist() == [False, True, True, True]


def test_an_attack_that_is_worse_than_a_coin_has_no_advantage() -> None:
    """Advantage is in [0, 1], and so is its interval."""
    asked = gaussian(200, 200, gap=-2.0)

    judgement = judged_membership(asked, asked, threshold=0.0)

    assert judgement.accuracy.value < 0.3
    assert judgement.advantage.interval == (0.0, 0.0)


def test_the_interval_of_advantage_covers_the_truth_as_often_as_it_says() -> None:
    """Threshold ½ between N(1, 1) and N(0, 1): the advantage is 2Φ(½) − 1 = 0.3829 (500 pools)."""
    covered = 0
    for seed in range(500):
        asked = gaussian(60, 90, seed=seed)
        judgement = MembershipGame(MEMBERSHIP).judge(
            asked,
            asked,
            threshold=0.5,
            confidence=0.9,
        )
        covered += judgement.advantage.low <= 0.38292 <= judgement.advantage.high

    assert covered / 500 == pytest.approx(0.9, abs=0.045)  # 3.3 standard errors


def test_rates_that_a_pool_cannot_resolve_say_so() -> None:
    """With 1,200 non-members 10 % and 1 % can be read, 0.1 % cannot."""
    asked = gaussian(300, 1200)

    ten, one, tenth = judged_membership(asked, asked).operating_points

    assert isinstance(ten, LowFprRate)
    assert isinstance(one, LowFprRate)
    assert one.fpr.value <= 0.01 < one.fpr.high
    assert one.tpr.low < one.tpr.value < one.tpr.high
    assert one.tpr.value < ten.tpr.value
    assert tenth == Unresolvable(0.001, 1200)


@pytest.fixture(scope="module")
def probed(all_digits: Dataset) -> tuple[Answers, Answers]:
    """Logistic regression from pixels to the digit, when the session is the task."""
    swapped = Dataset(
        inputs=all_digits.inputs,
        labels=all_digits.attributes["session"].values,
        classes=all_digits.attributes["session"].names,
        attributes={},
    )
    pools = build_pools(
        swapped.labels,
        members=0.5,
        attack_train=0.4,
        select=0.3,
        audit=0.3,
        generator=torch.Generator().manual_seed(18),
    )
    known, asked = pools.attack_train, pools.select
    probe = LogisticRegression(max_iter=200).fit(
        all_digits.inputs[known.indices, :24], all_digits.labels[known.indices]
    )
    first, second = (
        Answers(
            scores=torch.from_numpy(probe.predict_proba(all_digits.inputs[pool.indices, :24])),
            truth=all_digits.labels[pool.indices],
            labels=swapped.labels[pool.indices],
            is_member=pool.is_member,
        )
        for pool in (known, asked)
    )
    return first, second


def test_attribute_measures_are_scikit_learns(probed: tuple[Answers, Answers]) -> None:
    """Accuracy, macro-F1 and one-against-rest area of a probe on real all_digits."""
    known, asked = probed

    judgement = AttributeGame(ATTRIBUTE).judge(known, asked)

    scores, truth = asked.scores.numpy(), asked.truth.numpy()
    guesses = scores.argmax(axis=1)
    assert judgement.accuracy.value == (guesses == truth).mean()
    assert judgement.macro_f1 == pytest.approx(f1_score(truth, guesses, average="macro"))
    assert judgement.auc is not None
    assert judgement.auc.value == pytest.approx(roc_auc_score(truth, scores, multi_class="ovr"))
    assert judgement.threshold is None


def test_lift_and_advantage_are_over_the_best_guess_without_the_model(
    probed: tuple[Answers, Answers],
) -> None:
    """Of ten all_digits the most frequent one of attack-train is right about one time in ten."""
    known, asked = probed

    judgement = AttributeGame(ATTRIBUTE).judge(known, asked)

    assert judgement.baseline < 0.2
    assert judgement.lift is not None
    lift = judgement.accuracy.value - judgement.baseline
    assert judgement.lift.value == pytest.approx(lift)
    assert judgement.advantage.value == pytest.approx(lift / (1 - judgement.baseline))
    for estimate in (judgement.lift, judgement.advantage):
        assert 0 < estimate.low < estimate.value < estimate.high < 1


def test_repeating_what_the_label_tells_is_no_attack() -> None:
    """The attribute follows the label 9 times in 10; so does the attack, and its lift is 0.

    400 pairs that agree leave room for one in a hundred that does not.
    """
    generator = torch.Generator().manual_seed(18)
    labels = torch.randint(4, (400,), generator=generator)
    noise = torch.rand(400, generator=generator) < 0.1
    truth = torch.where(noise, (labels + 1) % 4, labels)
    scores = torch.nn.functional.one_hot(labels, 4).double()
    asked = Answers(scores=scores, truth=truth, labels=labels, is_member=torch.arange(400) < 200)

    judgement = AttributeGame(ATTRIBUTE).judge(asked, asked)

    assert judgement.baseline_rule == "majority-per-label"
    assert judgement.accuracy.value > 0.85
    assert judgement.lift is not None
    assert judgement.lift.value == judgement.advantage.value == 0.0
    assert judgement.lift.interval == pytest.approx((0.0, 0.0), abs=0.01)
    assert judgement.advantage.low == 0.0
    assert judgement.advantage.high < 0.1


def test_the_baseline_is_learned_on_attack_train_alone() -> None:
    """Where attack-train says 0 and the pool is all 1, the guess without the model is wrong."""
    ones = torch.ones(10, dtype=torch.int64)
    is_member = torch.arange(10) < 5
    scores = torch.eye(2)[ones]
    known = Answers(scores=scores, truth=0 * ones, labels=ones, is_member=is_member)
    asked = Answers(scores=scores, truth=ones, labels=ones, is_member=is_member)

    judgement = AttributeGame(ATTRIBUTE).judge(known, asked)

    assert judgement.baseline == 0.0
    assert judgement.advantage.value == 1.0
    assert judgement.auc is None


def test_what_is_memorised_shows_as_lift_of_members() -> None:
    """The attack knows every member's value, and says 0 of all others, as the guess does of all."""
    generator = torch.Generator().manual_seed(18)
    truth = (torch.rand(400, generator=generator) < 0.4).long()
    is_member = torch.arange(400) % 2 == 0
    scores = torch.nn.functional.one_hot(torch.where(is_member, truth, 0), 2).double()
    labels = torch.zeros(400, dtype=torch.int64)
    asked = Answers(scores=scores, truth=truth, labels=labels, is_member=is_member)

    judgement = AttributeGame(ATTRIBUTE).judge(asked, asked)

    assert judgement.lift_of_sides is not None
    members, others = judgement.lift_of_sides
    assert members.value == pytest.approx(float(truth[is_member].double().mean()))
    assert members.low > 0.3
    assert others.value == 0.0
    assert others.interval == pytest.approx((0.0, 0.0), abs=0.02)
    assert judgement.lift is not None
    assert judgement.lift.value == pytest.approx(members.value / 2)


@pytest.mark.parametrize("game", ["membership", "attribute"])
def test_scores_of_the_wrong_kind_are_the_attackers_fault(game: str) -> None:
    """Shape and NaN are named."""
    wrong = torch.zeros(10, 2) if game == "membership" else torch.zeros(10)
    right = torch.zeros(10) if game == "membership" else torch.zeros(10, 2)
    truth = torch.arange(10) < 5
    labels = torch.zeros(10, dtype=torch.int64)
    for scores, message in ((wrong, "scores must be"), (right * torch.nan, "are not numbers")):
        asked = Answers(scores=scores, truth=truth, labels=labels, is_member=truth)
        with pytest.raises(ValueError, match=message):
            GAMES[game].judge(asked, asked)


def test_json_of_either_game_has_its_documented_keys(probed: tuple[Answers, Answers]) -> None:
    """``results.json`` is strict JSON."""
    known, asked = probed
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
    attribute = AttributeGame(ATTRIBUTE).judge(known, asked)
    cheap = gaussian(50, 50)
    lifts = ("lift", "lift_members", "lift_non_members")

    for judgement, own in (
        (judged_membership(cheap, cheap), {"threshold", "operating_points"}),
        (attribute, {"macro_f1", "baseline_rule", *lifts, *(f"{one}_interval" for one in lifts)}),
    ):
        document = json.loads(json.dumps(judgement.to_json(), allow_nan=False))
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
