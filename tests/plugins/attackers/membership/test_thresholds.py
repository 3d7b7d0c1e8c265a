"""Attacks that need no network: loss and modified entropy."""

import math

import pytest
import torch
from torch import nn, tensor

from safecompress_core.toolkit import AdversaryKnowledge, Classifier, PoolError, observe
from safecompress_plugins.attackers.membership.loss_threshold import LossThreshold
from safecompress_plugins.attackers.membership.manifest import (
    LossThresholdParams,
    ModifiedEntropyParams,
)
from safecompress_plugins.attackers.membership.modified_entropy import (
    ModifiedEntropy,
    best_threshold,
)


def evidence(
    posteriors: list[list[float]], labels: list[int], members: list[bool]
) -> AdversaryKnowledge:
    """A model that answers exactly this: its one layer is the identity on log-posteriors."""
    logits = tensor(posteriors).log()
    head = nn.Linear(logits.shape[1], logits.shape[1], bias=False)
    nn.init.eye_(head.weight)
    seen = observe(Classifier(head), logits, tensor(labels))
    return AdversaryKnowledge(seen=seen, truth=tensor(members), values=2)


def minus_mentr(posteriors: list[float], label: int) -> float:
    """Song & Mittal 2021, written out."""
    own = posteriors[label]
    others = [p for c, p in enumerate(posteriors) if c != label]
    return (1 - own) * math.log(own) + sum(p * math.log(1 - p) for p in others)


@pytest.mark.parametrize(
    ("members", "others", "threshold"),
    [
        ([3.0, 4.0], [1.0, 2.0], 2.5),  # in the middle of the gap
        ([1.0, 4.0, 5.0], [0.0, 2.0, 3.0], 3.5),  # one member missed is cheaper than two alarms
        ([1.0, 1.0], [2.0, 2.0], 0.0),  # the wrong way round: everyone is a member, or no one
        ([5.0], [1.0, 2.0, 3.0, 4.5], 4.75),  # classes count alike however large they are
        ([2.0, 2.0], [2.0, 2.0], 1.0),  # ties are not split
    ],
)
def test_the_best_threshold(members: list[float], others: list[float], threshold: float) -> None:
    """Worked out by hand."""
    is_member = tensor([True] * len(members) + [False] * len(others))

    assert best_threshold(tensor(members + others), is_member).item() == pytest.approx(threshold)


def test_the_loss_attack_scores_by_minus_the_loss() -> None:
    """No threshold of its own: the game takes the best one on attack-train."""
    known = evidence([[0.5, 0.5], [0.25, 0.75]], [0, 0], [True, False])
    attacker = LossThreshold(LossThresholdParams())
    attacker.fit(known, generator=torch.Generator())

    scores = attacker.score(AdversaryKnowledge(seen=known.seen, truth=None, values=2))

    assert attacker.threshold is None
    torch.testing.assert_close(scores, tensor([math.log(0.5), math.log(0.25)]))


def test_each_class_has_a_threshold_of_its_own() -> None:
    """Class 0 is easy and class 1 hard: one common threshold would mistake half of them."""
    answers = [[0.99, 0.01], [0.9, 0.1], [0.4, 0.6], [0.7, 0.3]]
    labels, members = [0, 0, 1, 1], [True, False, True, False]
    known = evidence(answers, labels, members)
    attacker = ModifiedEntropy(ModifiedEntropyParams(samples=1))
    attacker.fit(known, generator=torch.Generator())

    scores = attacker.score(AdversaryKnowledge(seen=known.seen, truth=None, values=2))

    assert (scores > 0).tolist() == members
    signals = [minus_mentr(p, y) for p, y in zip(answers, labels, strict=True)]
    by_hand = [
        (signals[0] - signals[1]) / 2,
        (signals[1] - signals[0]) / 2,
        (signals[2] - signals[3]) / 2,
        (signals[3] - signals[2]) / 2,
    ]
    torch.testing.assert_close(scores.double(), tensor(by_hand).double(), rtol=1e-4, atol=1e-6)


def test_a_rare_class_takes_the_common_threshold() -> None:
    """A class with too few members or non-members, or none at all, is judged like all others."""
    answers = [[0.99, 0.005, 0.005], [0.9, 0.05, 0.05], [0.2, 0.6, 0.2]]
    known = evidence([*answers[:2], answers[2]], [0, 0, 1], [True, False, False])
    attacker = ModifiedEntropy(ModifiedEntropyParams(samples=1))
    attacker.fit(known, generator=torch.Generator())
    asked = evidence(
        [answers[0], [0.005, 0.99, 0.005], [0.005, 0.005, 0.99]], [0, 1, 2], [True] * 3
    )

    scores = attacker.score(AdversaryKnowledge(seen=asked.seen, truth=None, values=2))

    # the common threshold is half-way between the same two answers as that of class 0
    torch.testing.assert_close(scores, scores[:1].expand(3))


@pytest.mark.parametrize("members", [[True, True], [False, False]])
def test_thresholds_need_both_classes(members: list[bool]) -> None:
    """There is nothing to tell apart."""
    known = evidence([[0.5, 0.5], [0.25, 0.75]], [0, 0], members)

    with pytest.raises(PoolError, match="needs members and non-members"):
        ModifiedEntropy(ModifiedEntropyParams()).fit(known, generator=torch.Generator())
