"""Ranks among known non-members."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn, tensor

from safecompress_core.toolkit import AdversaryKnowledge, Classifier, PoolError, observe
from safecompress_plugins.attackers.membership.manifest import PopulationParams
from safecompress_plugins.attackers.membership.population import Population


def with_losses(losses: list[float], labels: list[int], members: list[bool]) -> AdversaryKnowledge:
    """Two classes; the posterior of the label is what gives this loss."""
    own = (-tensor(losses, dtype=torch.float64)).exp()
    label = tensor(labels)
    logits = torch.stack([(1 - own).log(), own.log()], dim=1)
    logits = torch.where(label[:, None] == 1, logits, logits.flip(1)).float()
    head = nn.Linear(2, 2, bias=False)
    nn.init.eye_(head.weight)
    seen = observe(Classifier(head), logits, label)
    return AdversaryKnowledge(seen=seen, truth=tensor(members), values=2)


def ranked(known: AdversaryKnowledge, asked: AdversaryKnowledge, *, samples: int = 3) -> Tensor:
    """Scores after learning from what is known."""
    attacker = Population(PopulationParams(samples=samples))
    attacker.fit(known, generator=torch.Generator())
    return attacker.score(replace(asked, truth=None))


def test_a_sample_is_ranked_among_the_non_members_of_its_class() -> None:
    """By hand: of the losses 1, 2, 3 of class 0, two lie above 1.5, and none above 4."""
    known = with_losses([1, 2, 3, 0.1, 0.2, 0.3], [0, 0, 0, 1, 1, 1], [False] * 6)
    asked = with_losses([1.5, 4, 0.5, 0.15], [0, 0, 0, 1], [True] * 4)

    found = ranked(known, asked)

    larger = [2, 0, 3, 2]
    expected = [(n + math.exp(-x)) / 4 for n, x in zip(larger, [1.5, 4, 0.5, 0.15], strict=True)]
    torch.testing.assert_close(found, tensor(expected).double(), rtol=1e-5, atol=1e-6)


def test_members_are_no_part_of_the_population() -> None:
    """Whatever their losses are, the scores are the same."""
    losses, labels = [1.0, 2, 3, 0.5, 0.6, 2.5], [0] * 6
    members = [False] * 3 + [True] * 3
    known, other = (with_losses(one, labels, members) for one in (losses, [*losses[:3], 5, 6, 7]))
    asked = with_losses([0.2, 1.2, 2.2], [0] * 3, [True] * 3)

    assert torch.equal(ranked(known, asked), ranked(other, asked))


def test_a_rare_class_is_compared_with_all_non_members() -> None:
    """As is one that attack-train does not have."""
    known = with_losses([1, 2, 3, 0.1], [0, 0, 0, 1], [False] * 4)
    asked = with_losses([1.5], [1], [True])

    assert ranked(known, asked, samples=2).item() == pytest.approx((2 + math.exp(-1.5)) / 5)


def test_samples_below_the_whole_population_are_still_in_order() -> None:
    """There most members are; if they tied, no false-positive rate under 1 / n could be had."""
    known = with_losses([1, 2, 3], [0] * 3, [False] * 3)
    asked = with_losses([0.5, 0.1, 0.01], [0] * 3, [True] * 3)

    found = ranked(known, asked)

    assert (found[:-1] < found[1:]).all()
    assert (found > 3 / 4).all()
    assert (found <= 1).all()


def test_there_must_be_a_population() -> None:
    """Members alone are none."""
    known = with_losses([1, 2], [0, 0], [True, True])

    with pytest.raises(PoolError, match="needs non-members in attack-train"):
        ranked(known, known)
