"""How attacks that evade, invert or extract are judged."""

from typing import Literal

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from skimage.metrics import peak_signal_noise_ratio
from sklearn.metrics import accuracy_score

from safecompress_core.attacks.adversary import Ball
from safecompress_core.games.evasion import judge_evasion
from safecompress_core.games.extraction import judge_extraction
from safecompress_core.games.inversion import judge_inversion, psnr
from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.resampling import Resampling

LOW, HIGH = torch.zeros(()), torch.ones(())
IS_MEMBER = np.arange(30) < 10
UNSEEN = 20


def resampling(draws: int = 400) -> Resampling:
    """Of a pool of 10 members and 20 non-members."""
    return Resampling.stratified(IS_MEMBER, draws=draws, generator=np.random.default_rng(0))


def first(count: int) -> np.ndarray:
    """Which of the non-members come first."""
    return np.arange(UNSEEN) < count


def test_evasion_counts_what_noise_leaves_right_and_the_attack_does_not() -> None:
    """Hand-worked: 16 right, 12 under noise, 3 under attack: 9 of the 12 are lost."""
    judgement = judge_evasion(
        first(16),
        first(3),
        first(12),
        is_member=IS_MEMBER,
        facts={"norm": "linf", "epsilon": 0.1},
    )
    document = judgement.to_json()

    assert judgement.advantage.value == pytest.approx(9 / 12)
    assert document["robust_accuracy"] == pytest.approx(3 / 20)
    exact = binomtest(3, 20).proportion_ci(0.95)
    assert document["robust_accuracy_interval"] == pytest.approx([exact.low, exact.high])
    assert document["success"] == pytest.approx(13 / 16)
    assert (document["n"], document["members"], document["non_members"]) == (20, 0, 20)
    assert "auc" not in document
    assert "accuracy" not in document
    low, high = document["advantage_interval"]
    assert 0 < low < 9 / 12 < high <= 1


def test_evasion_is_compared_on_the_draws_that_everything_else_is_compared_on() -> None:
    """Bootstrap draws of the advantage are those of its rates on non-members alone."""
    draws = resampling()
    judgement = judge_evasion(first(16), first(3), first(12), is_member=IS_MEMBER, facts={})
    weights = draws.weights[:, ~IS_MEMBER]
    left, noisy = weights[:, :3].sum(axis=1), weights[:, :12].sum(axis=1)

    assert judgement.advantages(draws) == pytest.approx(1 - left / noisy)
    assert judgement.accuracies(draws) == pytest.approx(1 - left / UNSEEN)


def test_an_attack_no_better_than_noise_has_no_advantage() -> None:
    """Whatever noise does to a model is no feat of an adversary."""
    judgement = judge_evasion(first(16), first(12), first(12), is_member=IS_MEMBER, facts={})

    assert (judgement.advantage.value, judgement.advantage.low) == (0.0, 0.0)
    assert 0 < judgement.advantage.high < 0.25  # two of 20 more could differ


@pytest.mark.parametrize(("norm", "order"), [("linf", np.inf), ("l2", 2)])
def test_noise_is_as_large_as_the_attack_may_be(norm: Literal["linf", "l2"], order: float) -> None:
    """By numpy's norm; inside the range nothing is cut off."""
    ball = Ball(norm=norm, epsilon=0.25, low=LOW - 9, high=HIGH + 9)
    origin = torch.rand(50, 3, 4, 4, generator=torch.Generator().manual_seed(0))

    noisy = ball.noise(origin, generator=torch.Generator().manual_seed(1))

    lengths = np.linalg.norm((noisy - origin).flatten(1).numpy(), ord=order, axis=1)
    expected = np.abs((noisy - origin).flatten(1).numpy()).max(axis=1) if norm == "linf" else None
    np.testing.assert_allclose(lengths if expected is None else expected, 0.25, rtol=1e-4)
    ball.check(noisy, origin)


@pytest.mark.parametrize(
    ("moved", "complaint"),
    [
        (torch.full((2, 4), 0.7), "an input was moved by 0.2"),
        (torch.full((2, 4), torch.nan), "not all finite"),
        (torch.full((2, 3), 0.5), "perturbed inputs must be"),
    ],
)
def test_whoever_leaves_the_ball_is_caught(moved: torch.Tensor, complaint: str) -> None:
    """It is the attacker's fault."""
    ball = Ball(norm="linf", epsilon=0.1, low=LOW, high=HIGH)

    with pytest.raises(ValueError, match=complaint):
        ball.check(moved, torch.full((2, 4), 0.5))


def test_whoever_leaves_the_range_is_caught() -> None:
    """A pixel cannot be brighter than white."""
    ball = Ball(norm="linf", epsilon=0.1, low=LOW, high=HIGH)

    with pytest.raises(ValueError, match="no input can have"):
        ball.check(torch.full((1, 4), 1.05), torch.ones(1, 4))


def test_extraction_counts_agreement_beyond_that_of_an_independent_clone() -> None:
    """Hand-worked: 15 of 20 agree, 10 would anyway: half of the other 10 are gained."""
    answers = np.arange(UNSEEN) % 4
    cloned = np.where(first(15), answers, (answers + 1) % 4)
    independent = np.where(first(10), answers, (answers + 1) % 4)
    judgement = judge_extraction(
        answers,
        cloned,
        independent,
        most_frequent=2,
        is_member=IS_MEMBER,
        facts={"queries": 20},
    )
    document = judgement.to_json()

    assert document["fidelity"] == pytest.approx(accuracy_score(answers, cloned))
    assert document["baseline"] == pytest.approx(0.5)
    assert document["advantage"] == pytest.approx(0.5)
    assert document["most_frequent_fidelity"] == pytest.approx(0.25)
    assert document["queries"] == 20


def test_inversion_is_one_less_the_quotient_of_two_errors() -> None:
    """Hand-worked: errors of 0.01 and 0.03 where the mean has 0.04 and 0.04."""
    truth = np.zeros((2, 4))
    reconstructed = np.array([[0.1] * 4, [np.sqrt(0.03)] * 4])
    found = judge_inversion(
        reconstructed,
        truth,
        np.full(4, 0.2),
        units="samples",
        width=1.0,
        measures={},
        facts={},
    )
    document = found.to_json()

    assert document["error"] == pytest.approx(0.02)
    assert document["baseline"] == pytest.approx(0.04)
    assert document["advantage"] == pytest.approx(0.5)
    assert document["advantage_interval"] == [0.0, 1.0]  # two samples show next to nothing
    assert document["psnr"] == pytest.approx(
        peak_signal_noise_ratio(truth, reconstructed, data_range=1.0)
    )


def test_an_exact_reconstruction_has_a_psnr_that_is_a_number() -> None:
    """JSON knows no infinity."""
    assert psnr(Estimate(0.0, 0.0, 0.0), 1.0) == Estimate(120.0, 120.0, 120.0)
