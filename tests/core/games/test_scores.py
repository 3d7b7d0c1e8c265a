"""Scores: what a game takes of an attacker."""

import numpy as np
import pytest
import torch
from torch import Tensor

from safecompress_core.games.attribute import AttributeGame
from safecompress_core.games.manifest import ATTRIBUTE, MEMBERSHIP
from safecompress_core.games.membership import MembershipGame
from safecompress_core.games.scores import AttackScores, scores_of, tensor_of

GAMES = {"membership": MembershipGame(MEMBERSHIP), "attribute": AttributeGame(ATTRIBUTE)}


def membership(scores: Tensor, members: int) -> AttackScores:
    """Scores of which the first are members'."""
    is_member = torch.arange(len(scores)) < members
    labels = torch.zeros(len(scores), dtype=torch.int64)
    return AttackScores(scores=scores, truth=is_member, labels=labels, is_member=is_member)


@pytest.mark.parametrize("game", ["membership", "attribute"])
def test_scores_of_the_wrong_kind_are_the_attackers_fault(game: str) -> None:
    """Shape and NaN are named."""
    wrong = torch.zeros(10, 2) if game == "membership" else torch.zeros(10)
    right = torch.zeros(10) if game == "membership" else torch.zeros(10, 2)
    truth = torch.arange(10) < 5
    labels = torch.zeros(10, dtype=torch.int64)
    for scores, message in ((wrong, "scores must be"), (right * torch.nan, "are not numbers")):
        asked = AttackScores(scores=scores, truth=truth, labels=labels, is_member=truth)
        with pytest.raises(ValueError, match=message):
            GAMES[game].measure_scores(asked, asked)


def test_values_of_any_origin_become_a_tensor() -> None:
    """Lists and arrays as well as tensors, which stay the very same."""
    values = torch.tensor([1.0, 0.0])

    assert tensor_of(values) is values
    assert tensor_of([1, 0], torch.bool).tolist() == [True, False]
    assert tensor_of(np.array([2, 3])).dtype == torch.int64


def test_scores_are_taken_in_double_precision() -> None:
    """In their order, without the graph that made them."""
    truth = torch.tensor([True, False, True])
    scores = torch.tensor([0.25, 0.5, -1.0], requires_grad=True)
    answers = AttackScores(scores=scores, truth=truth, labels=truth.long(), is_member=truth)

    found = scores_of(answers, dimensions=1)

    assert found.dtype == np.float64
    assert found.tolist() == [0.25, 0.5, -1.0]
