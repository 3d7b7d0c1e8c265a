"""Scores of the attack: worked by hand, under its calibration, and on a trained model."""

import math

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Classifier,
    Observations,
    PoolError,
    observe,
)
from safecompress_example_attacker.confidence_gap import ConfidenceGap, confidence_gap
from safecompress_example_attacker.manifest import ConfidenceGapParams


def reactions(logits: list[list[float]] | Tensor, labels: list[int] | Tensor) -> Observations:
    """Return observations of a model with exactly these logits."""
    values = torch.as_tensor(logits, dtype=torch.float32)
    identity = nn.Linear(values.shape[1], values.shape[1], bias=False)
    nn.init.eye_(identity.weight)
    return observe(Classifier(identity), values, torch.as_tensor(labels))


def fitted(seen: Observations, truth: list[bool] | Tensor, *, prior: float) -> ConfidenceGap:
    """The attack, having learned from samples whose membership is known."""
    attack = ConfidenceGap(ConfidenceGapParams(prior=prior))
    known = AdversaryKnowledge(seen=seen, truth=torch.as_tensor(truth), values=2)
    attack.fit(known, generator=torch.Generator())
    return attack


def scores(attack: ConfidenceGap, seen: Observations) -> Tensor:
    """Return its scores of samples with unknown membership."""
    return attack.score(AdversaryKnowledge(seen=seen, truth=None, values=2))


def test_the_gap_is_the_log_ratio_of_the_two_largest_posteriors() -> None:
    """Posteriors 0.6, 0.3, 0.1: the gap is log 2, and negative for a wrong answer."""
    logits = [[math.log(0.6), math.log(0.3), math.log(0.1)]] * 2

    gaps = confidence_gap(reactions(logits, [0, 1]))

    assert gaps.tolist() == pytest.approx([math.log(2), -math.log(2)], abs=1e-6)


def test_the_score_counts_standard_deviations_from_the_class() -> None:
    """Non-members of class 0 have gaps 1 and 3, so mean 2 and deviation 1: a gap of 5 scores 3.

    The member's gap of 100 must not move the mean.
    """
    known = reactions([[1, 0], [3, 0], [100, 0], [0, 7], [0, 9]], [0, 0, 0, 1, 1])
    attack = fitted(known, [False, False, True, False, False], prior=0)

    answer = scores(attack, reactions([[5, 0], [0, 5]], [0, 1]))

    assert answer.tolist() == pytest.approx([3, -3])


def test_a_class_without_non_members_is_judged_by_all_of_them() -> None:
    """All gaps are 1 or 3, whichever the class: mean 2, deviation 1; with any prior."""
    known = reactions([[1, 0, 0], [3, 0, 0], [0, 1, 0], [0, 3, 0]], [0, 0, 1, 1])

    for prior in (0, 5):
        attack = fitted(known, [False] * 4, prior=prior)
        assert scores(attack, reactions([[0, 0, 4]], [2])).tolist() == pytest.approx([2])


def test_a_prior_draws_a_class_towards_the_others() -> None:
    """One sample with gap 6 and k = 1 under an overall mean of 3: the class's mean is 4.5."""
    known = reactions([[6, 0], [0, 0]], [0, 1])
    attack = fitted(known, [False, False], prior=1)

    centre = scores(attack, reactions([[4.5, 0]], [0]))

    assert centre.item() == pytest.approx(0, abs=1e-9)


def test_calibration_by_class_finds_members_that_the_plain_gap_does_not() -> None:
    """One class is easy and one hard; within each, members have gaps larger by 1."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(2).repeat(400)
    is_member = torch.arange(800) < 400
    gaps = torch.tensor([2.0, 12.0])[labels] + is_member
    gaps += 0.3 * torch.randn(800, generator=generator)
    seen = reactions(nn.functional.one_hot(labels) * gaps[:, None], labels)

    plain = roc_auc_score(is_member, confidence_gap(seen))
    calibrated = roc_auc_score(is_member, scores(fitted(seen, is_member, prior=10), seen))

    assert plain < 0.8
    assert calibrated > 0.95


def test_it_cannot_learn_without_non_members() -> None:
    """They are what it compares with."""
    with pytest.raises(PoolError, match="it has none"):
        fitted(reactions([[1, 0]], [0]), [True], prior=10)


def test_it_finds_members_of_an_overfitted_network() -> None:
    """Real handwriting, 300 memorised members; scored on samples it was not fitted on."""
    digits, labels = load_digits(return_X_y=True)
    rows = torch.randperm(len(digits), generator=torch.Generator().manual_seed(4))[:600]
    inputs = torch.as_tensor(digits[rows] / 16, dtype=torch.float32)
    labels = torch.as_tensor(labels[rows])
    noise = torch.Generator().manual_seed(5)
    labels = torch.where(  # a third of the labels is wrong: only memory can get them right
        torch.rand(600, generator=noise) < 1 / 3,
        torch.randint(10, (600,), generator=noise),
        labels,
    )
    is_member = torch.arange(600) % 2 == 0
    torch.manual_seed(6)
    network = Classifier(nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(inputs[is_member]), labels[is_member]).backward()
        optimizer.step()
    seen = observe(network, inputs, labels)
    known, unknown = torch.arange(300), torch.arange(300, 600)

    attack = fitted(seen.take(known), is_member[known], prior=10)
    answer = scores(attack, seen.take(unknown))

    assert roc_auc_score(is_member[unknown], answer) > 0.7
