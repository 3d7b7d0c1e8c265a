"""Attributes: measures against the best guess without the model."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import build_pools
from safecompress_core.games.attribute import AttributeGame
from safecompress_core.games.manifest import ATTRIBUTE
from safecompress_core.games.scores import AttackScores


@pytest.fixture(scope="module")
def probed(all_digits: Dataset) -> tuple[AttackScores, AttackScores]:
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
        AttackScores(
            scores=torch.from_numpy(probe.predict_proba(all_digits.inputs[pool.indices, :24])),
            truth=all_digits.labels[pool.indices],
            labels=swapped.labels[pool.indices],
            is_member=pool.is_member,
        )
        for pool in (known, asked)
    )
    return first, second


def test_attribute_measures_are_scikit_learns(probed: tuple[AttackScores, AttackScores]) -> None:
    """Accuracy, macro-F1 and one-against-rest area of a probe on real all_digits."""
    known, asked = probed

    result = AttributeGame(ATTRIBUTE).measure_scores(known, asked)

    scores, truth = asked.scores.numpy(), asked.truth.numpy()
    guesses = scores.argmax(axis=1)
    assert result.accuracy.value == (guesses == truth).mean()
    assert result.macro_f1 == pytest.approx(f1_score(truth, guesses, average="macro"))
    assert result.auc is not None
    assert result.auc.value == pytest.approx(roc_auc_score(truth, scores, multi_class="ovr"))
    assert result.threshold is None


def test_lift_and_advantage_are_over_the_best_guess_without_the_model(
    probed: tuple[AttackScores, AttackScores],
) -> None:
    """Of ten all_digits the most frequent one of attack-train is right about one time in ten."""
    known, asked = probed

    result = AttributeGame(ATTRIBUTE).measure_scores(known, asked)

    assert result.baseline < 0.2
    assert result.lift is not None
    lift = result.accuracy.value - result.baseline
    assert result.lift.value == pytest.approx(lift)
    assert result.advantage.value == pytest.approx(lift / (1 - result.baseline))
    for estimate in (result.lift, result.advantage):
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
    asked = AttackScores(
        scores=scores, truth=truth, labels=labels, is_member=torch.arange(400) < 200
    )

    result = AttributeGame(ATTRIBUTE).measure_scores(asked, asked)

    assert result.baseline_rule == "majority-per-label"
    assert result.accuracy.value > 0.85
    assert result.lift is not None
    assert result.lift.value == result.advantage.value == 0.0
    assert result.lift.interval == pytest.approx((0.0, 0.0), abs=0.01)
    assert result.advantage.low == 0.0
    assert result.advantage.high < 0.1


def test_the_baseline_is_learned_on_attack_train_alone() -> None:
    """Attack-train is all 0 and the pool all 1, so the imputation is always wrong."""
    ones = torch.ones(10, dtype=torch.int64)
    is_member = torch.arange(10) < 5
    scores = torch.eye(2)[ones]
    known = AttackScores(scores=scores, truth=0 * ones, labels=ones, is_member=is_member)
    asked = AttackScores(scores=scores, truth=ones, labels=ones, is_member=is_member)

    result = AttributeGame(ATTRIBUTE).measure_scores(known, asked)

    assert result.baseline == 0.0
    assert result.advantage.value == 1.0
    assert result.auc is None


def test_what_is_memorised_shows_as_lift_of_members() -> None:
    """The attack knows every member's value and guesses 0 for others, as the imputation does."""
    generator = torch.Generator().manual_seed(18)
    truth = (torch.rand(400, generator=generator) < 0.4).long()
    is_member = torch.arange(400) % 2 == 0
    scores = torch.nn.functional.one_hot(torch.where(is_member, truth, 0), 2).double()
    labels = torch.zeros(400, dtype=torch.int64)
    asked = AttackScores(scores=scores, truth=truth, labels=labels, is_member=is_member)

    result = AttributeGame(ATTRIBUTE).measure_scores(asked, asked)

    assert result.lift_of_sides is not None
    members, others = result.lift_of_sides
    assert members.value == pytest.approx(float(truth[is_member].double().mean()))
    assert members.low > 0.3
    assert others.value == 0.0
    assert others.interval == pytest.approx((0.0, 0.0), abs=0.02)
    assert result.lift is not None
    assert result.lift.value == pytest.approx(members.value / 2)
