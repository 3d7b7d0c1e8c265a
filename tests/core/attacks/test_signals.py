"""Signals against hand-worked values and each other."""

from math import inf, log

import pytest
import torch
from torch import Tensor, tensor

from safecompress_core.attacks import signals

HALVES = tensor([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])
LABELS = tensor([0, 0])


def mentr(posterior: list[float], label: int) -> float:
    """Equation 9 of Song & Mittal as it stands, for probabilities inside (0, 1)."""
    others = (p for c, p in enumerate(posterior) if c != label)
    own = posterior[label]
    return -(1 - own) * log(own) - sum(p * log(1 - p) for p in others)


def test_confidence_and_loss_are_those_of_the_true_label() -> None:
    """p_y and log p_y."""
    assert signals.confidence(HALVES, LABELS).tolist() == [0.5, 0.125]
    assert signals.negative_loss(HALVES, LABELS).tolist() == pytest.approx([log(0.5), log(0.125)])


def test_correctness_is_one_where_the_model_is_right() -> None:
    """The gap attack's score."""
    assert signals.correctness(tensor([0, 1]), LABELS).tolist() == [1.0, 0.0]


def test_the_logit_of_a_confidence_is_exact_at_both_ends() -> None:
    """log(p / (1 − p)) where p is moderate, and no infinity where p rounds to 0 or 1."""
    moderate = signals.logit_of_confidence(HALVES.log(), LABELS)
    extreme = signals.logit_of_confidence(tensor([[300.0, 0, 0], [-300, 0, 0]]), LABELS)

    assert moderate.tolist() == pytest.approx([0.0, log(0.125 / 0.875)], abs=1e-6)
    assert extreme.tolist() == pytest.approx([300 - log(2), -300 - log(2)])


def test_modified_entropy_by_hand() -> None:
    """−Mentr of (½, ¼, ¼) with the first label is ½·log ½ + ½·log ¾."""
    scores = signals.modified_entropy(HALVES, LABELS)

    assert scores[0].item() == pytest.approx(0.5 * log(0.5) + 0.5 * log(0.75))
    assert scores[1].item() == pytest.approx(-mentr([0.125, 0.75, 0.125], 0))


def test_modified_entropy_of_logits_agrees_where_posteriors_resolve() -> None:
    """On random logits, both ways and the formula give the same number."""
    logits = torch.randn(200, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = torch.arange(200) % 7
    posteriors = torch.softmax(3 * logits, dim=1)

    exact = signals.modified_entropy_of_logits(3 * logits, labels)

    torch.testing.assert_close(exact, signals.modified_entropy(posteriors, labels))
    assert exact[5].item() == pytest.approx(-mentr(posteriors[5].tolist(), 5))


def test_logits_keep_samples_apart_whose_posteriors_round_to_one() -> None:
    """A margin of 45 is more like a member than one of 40, though both have p = 1 in double."""
    logits = tensor([[40.0, 0.0, 0.0], [45.0, 0.0, 0.0]], dtype=torch.float64)

    scores = signals.modified_entropy_of_logits(logits, LABELS)
    losses = signals.negative_loss_of_logits(logits, LABELS)

    assert scores[0] < scores[1] < 0
    assert losses[0] < losses[1] < 0
    # Mentr = (1−p_y)·(−log p_y) + Σ p_c·p_c to first order, with 1−p_y = 2e⁻⁴⁰ and p_c = e⁻⁴⁰
    assert scores[0].item() == pytest.approx(-6 * torch.tensor(-80.0).double().exp().item())


@pytest.mark.parametrize("signal", [signals.negative_loss, signals.modified_entropy])
def test_certainty_is_the_best_score_when_right_and_the_worst_when_wrong(signal: object) -> None:
    """Posteriors of exactly 0 and 1 give finite scores in the right order."""
    assert callable(signal)
    sure = tensor([[1.0, 0.0], [0.9, 0.1], [0.1, 0.9], [0.0, 1.0]])

    scores: Tensor = signal(sure, tensor([0, 0, 0, 0]))

    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    assert scores[0] == 0
    assert -inf < scores[3] < scores[2]
