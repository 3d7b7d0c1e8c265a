"""Controls that a verdict must pass before it is worth reading."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.errors import PoolError
from safecompress_core.stats.intervals import Estimate, null_auc_interval

__all__ = ["CONTROL_CONFIDENCE", "Attack", "ControlResult", "null_control"]

Attack = Callable[[AdversaryKnowledge, AdversaryKnowledge], Tensor]
"""Fits a fresh attacker on the first evidence and scores the second, whose truth is None."""

CONTROL_CONFIDENCE = 0.999
"""One honest attack in a thousand fails a null control, since a failure voids a verdict."""


@dataclass(frozen=True, slots=True)
class ControlResult:
    """Result of an attack on a pool whose true result is known.

    Attributes:
        auc: area under the ROC curve.
        passed: whether its interval lies where it has to: around 0.5 where there is nothing to
            find, above 0.5 where there is a leak.
        members: samples that are called members.
        non_members: samples that are not.
    """

    auc: Estimate
    passed: bool
    members: int
    non_members: int

    def to_json(self) -> dict[str, Any]:
        """``auc``, ``auc_interval``, ``passed``, ``members``, ``non_members``."""
        return {
            "auc": self.auc.value,
            "auc_interval": list(self.auc.interval),
            "passed": self.passed,
            "members": self.members,
            "non_members": self.non_members,
        }


def null_control(
    attack: Attack,
    known: AdversaryKnowledge,
    asked: AdversaryKnowledge,
    *,
    generator: torch.Generator,
    confidence: float = CONTROL_CONFIDENCE,
) -> ControlResult:
    """Attack a membership that was drawn at random among samples that are all non-members.

    The non-members of either pool are halved at random; one half is called members and comes
    first, as members do in a pool. The model treats both halves alike, so an attack that
    distinguishes them reads something other than the model: the order of the samples, the truth
    of the pool it is asked about, a mistake in our own statistics.

    The false alarm rate is 1 − ``confidence``: the attack is fitted without the random labels of
    the asked pool, so its scores for the two halves are exchangeable and its true AUC is exactly
    0.5; the interval is ``null_auc_interval``, whose variance is that of random labels, so it holds
    for small pools too. It is the rate of one control: of k of them, up to k times as many fail.

    Real members take no part: relabelling a pool that holds both would leave its order, and what
    else reveals members, unrelated to the invented truth, so that an attack that reads the
    pool instead of the model would pass.

    Args:
        attack: fits a fresh attacker and scores; see ``Attack``.
        known: what the attacker holds of attack-train, with its access and the real membership.
        asked: the same of the reported pool.
        generator: draws the invented membership.
        confidence: of the AUC's interval.

    Raises:
        PoolError: if a pool has fewer than 4 non-members.
        ValueError: if the attack's scores are not numbers of shape (N,).
    """
    # Both pools need an invented membership: an attacker that trains on the first learns from it.
    drawn_known, truth_known = _random_membership(known, generator)
    drawn_asked, truth_asked = _random_membership(asked, generator)
    # Truth None for the asked pool, as in a real attack.
    scores = attack(replace(drawn_known, truth=truth_known), replace(drawn_asked, truth=None))
    auc = null_auc_interval(
        scores.detach().to("cpu", torch.float64).numpy(), truth_asked.numpy(), confidence=confidence
    )
    members = int(truth_asked.sum())
    return ControlResult(
        auc,
        # Two-sided: an AUC clearly below 0.5 shows a leak of the invented membership just as well.
        passed=auc.low <= 0.5 <= auc.high,
        members=members,
        non_members=len(truth_asked) - members,
    )


def _random_membership(
    knowledge: AdversaryKnowledge, generator: torch.Generator
) -> tuple[AdversaryKnowledge, Tensor]:
    """The non-members in random order, and which of them are called members: the first half."""
    assert knowledge.truth is not None  # who the non-members are has to be known
    positions = (~knowledge.truth).nonzero()[:, 0]
    # Halves of two are the fewest with a variance.
    if len(positions) < 4:
        raise PoolError(f"a null control needs 4 non-members, but there are {len(positions)}")
    order = positions[torch.randperm(len(positions), generator=generator)]
    # Members first, as in a real pool, so that an attack on the order of samples is caught.
    return knowledge.take(order), torch.arange(len(order)) < len(order) // 2
