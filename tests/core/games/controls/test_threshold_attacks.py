"""Threshold attacks, run next to trained ones."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from safecompress_core.api import Access
from safecompress_core.attacks.observations import observe
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import AccessError
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.games.controls.threshold_attacks import compare_attacks, threshold_attacks
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.games.membership import MembershipGame
from safecompress_core.games.scores import AttackScores
from safecompress_core.networks.classifier import Classifier
from safecompress_core.stats.resampling import Resampling

MEMBERS = torch.arange(400) < 200
RESAMPLING = Resampling.draw_stratified(
    MEMBERS.numpy(), draws=1000, generator=np.random.default_rng(18)
)


def answers(scores: Tensor) -> AttackScores:
    """Scores for 200 members and 200 others."""
    labels = torch.zeros(400, dtype=torch.int64)
    return AttackScores(scores=scores, truth=MEMBERS, labels=labels, is_member=MEMBERS)


def judged(scores: Tensor) -> AttackResult:
    """An attack with the best threshold for these scores."""
    return MembershipGame(MEMBERSHIP).measure_scores(answers(scores), answers(scores))


def test_threshold_attacks_read_an_overfitted_model(
    classifier: Callable[[], Classifier], all_digits: Dataset
) -> None:
    """A network that memorised 200 wrong labels leaks its members."""
    generator = torch.Generator().manual_seed(18)
    inputs = all_digits.inputs[:400]
    labels = torch.randint(10, (400,), generator=generator)
    network = classifier().eval()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs[:200]), labels[:200]).backward()
        optimizer.step()
    seen = observe(network, inputs, labels)

    attacks = threshold_attacks(seen.restrict(Access.BLACK_BOX))

    assert set(attacks) == {"loss-threshold", "modified-entropy"}
    torch.testing.assert_close(attacks["loss-threshold"].float(), -seen.losses)
    for scores in attacks.values():
        assert judged(scores).advantage.low > 0.7


def test_threshold_attacks_need_posteriors(
    classifier: Callable[[], Classifier], all_digits: Dataset
) -> None:
    """A label-only adversary has no loss to compare."""
    seen = observe(classifier(), all_digits.inputs[:4], all_digits.labels[:4])

    with pytest.raises(AccessError):
        threshold_attacks(seen.restrict(Access.LABEL_ONLY))


def test_a_weak_trained_attack_is_found_out() -> None:
    """It reads half of what the cheap one reads, on the same 400 samples."""
    noise = torch.randn(400, generator=torch.Generator().manual_seed(18))
    trained, cheap = judged(noise + 0.5 * MEMBERS), judged(noise + 1.5 * MEMBERS)

    comparison = compare_attacks(trained, cheap, RESAMPLING)

    assert comparison.is_stronger
    gain = cheap.advantage.value - trained.advantage.value
    assert comparison.gain.value == pytest.approx(gain)
    assert 0 < comparison.gain.low < gain < comparison.gain.high
    assert not compare_attacks(cheap, trained, RESAMPLING).is_stronger


def test_equally_strong_attacks_are_rarely_told_apart() -> None:
    """Of independent readings of one leak 2.5 % or less are "stronger".

    Each has its own attack-train; 100 pairs, 3.3 standard errors.
    """
    generator = torch.Generator().manual_seed(18)

    def reading() -> AttackResult:
        known, asked = (answers(torch.randn(400, generator=generator) + MEMBERS) for _ in range(2))
        return MembershipGame(MEMBERSHIP).measure_scores(known, asked)

    told_apart = sum(
        compare_attacks(reading(), reading(), RESAMPLING).is_stronger for _ in range(100)
    )

    assert told_apart <= 7


def test_attacks_on_different_samples_cannot_be_compared() -> None:
    """Pairs need the same pool."""
    trained = judged(MEMBERS.double())
    other = AttackScores(
        scores=MEMBERS.double(),
        truth=~MEMBERS,
        labels=torch.zeros(400, dtype=torch.int64),
        is_member=~MEMBERS,
    )
    cheap = MembershipGame(MEMBERSHIP).measure_scores(other, other)

    with pytest.raises(ValueError, match="one game on one pool"):
        compare_attacks(trained, cheap, RESAMPLING)
