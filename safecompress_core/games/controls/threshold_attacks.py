"""Cheap attacks that hold the trained ones to account.

A trained attacker that is weak makes a model look safe. So each is compared with attacks that
need no training, on the same samples.
"""

from dataclasses import dataclass

from torch import Tensor

from safecompress_core.attacks.observations import Observations
from safecompress_core.attacks.signals import modified_entropy_of_logits, negative_loss_of_logits
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.stats.intervals import CONFIDENCE, Estimate
from safecompress_core.stats.resampling import Resampling, percentile_interval

__all__ = ["AttackComparison", "compare_attacks", "threshold_attacks"]


def threshold_attacks(observations: Observations) -> dict[str, Tensor]:
    """Membership scores, each (N,), higher means more likely a member; needs black-box access.

    ``loss-threshold`` (Yeom et al. 2018) and ``modified-entropy`` (Song & Mittal 2021); their
    thresholds are chosen on attack-train like any attacker's.

    Raises:
        AccessError: if the observations are label-only.
    """
    logits, labels = observations.logits, observations.labels
    return {
        "loss-threshold": negative_loss_of_logits(logits, labels),
        "modified-entropy": modified_entropy_of_logits(logits, labels),
    }


@dataclass(frozen=True, slots=True)
class AttackComparison:
    """A cheap attack compared with a trained one.

    Attributes:
        gain: advantage of the cheap one less that of the trained one, in [−1, 1].
        is_stronger: whether the whole interval of the gain is above 0.
    """

    gain: Estimate
    is_stronger: bool


def compare_attacks(
    trained: AttackResult,
    cheap: AttackResult,
    resampling: Resampling,
    *,
    confidence: float = CONFIDENCE,
) -> AttackComparison:
    """Return whether the threshold attack is significantly stronger on the same samples.

    Paired: both are measured on the same bootstrap draws.

    Raises:
        ValueError: if the two were not judged on these samples in the same game.
    """
    # Strata must match: draws are stratified by membership, so pairs would otherwise differ.
    if trained.game != cheap.game or (trained.is_member != cheap.is_member).any():
        raise ValueError("only two attacks of one game on one pool can be compared")
    # Cheap less trained on the same draws: pairing removes the variance that both share.
    draws = cheap.advantages(resampling) - trained.advantages(resampling)
    gain = percentile_interval(
        cheap.advantage.value - trained.advantage.value, draws, confidence=confidence
    )
    # A point estimate above 0 may be chance, so the whole interval has to be.
    return AttackComparison(gain, is_stronger=gain.low > 0)
