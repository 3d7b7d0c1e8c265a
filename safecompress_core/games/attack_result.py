"""Result of one attack on one pool, in any game."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from safecompress_core.api import ADVANTAGE
from safecompress_core.games.measures.membership_details import MembershipDetails
from safecompress_core.games.measures.numeric_attribute import AbsoluteError
from safecompress_core.games.measures.record_scores import RecordScores
from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.resampling import Resampling
from safecompress_core.stats.roc import Array, OperatingPoint

__all__ = [
    "AttackResult",
    "ComparedResult",
    "GameResult",
    "LowFprRate",
    "UnitResult",
    "Unresolvable",
    "rescale_to_advantage",
]

# N samples · B bootstrap draws

Bools = NDArray[np.bool_]


class GameResult(Protocol):
    """Result of an attack, as every game returns it."""

    @property
    def advantage(self) -> Estimate:
        """Gain over the baseline, in [0, 1]."""

    def to_json(self) -> dict[str, Any]:
        """Return the record of the results: ``game``, and each measure with its interval."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitResult:
    """Result of an attack on a game's own units: classes, pairs, whole data sets.

    A game that compares candidates gives each unit's loss, of which draws of the units are made.

    Attributes:
        game: what was attacked.
        units: what they are, as a plural.
        count: how many of them.
        baseline: what is achieved without the model.
        advantage: gain over the baseline, in [0, 1].
        measures: every other figure, by name.
        facts: the terms that these figures hold on, JSON-ready.
        losses: shape (K,), not negative: how far the attack is off for each unit; None for a game
            that compares no candidates.
        baseline_losses: shape (K,), the same without the model.
    """

    game: str
    units: str
    count: int
    baseline: float
    advantage: Estimate
    measures: Mapping[str, Estimate] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    losses: NDArray[np.float64] | None = None
    baseline_losses: NDArray[np.float64] | None = None

    @property
    def accuracy(self) -> Estimate:
        """Return the balanced accuracy of a binary decision with the same advantage, ½(1 + a)."""
        return self.advantage.scale(0.5, shift=0.5)

    def accuracies(self, resampling: Resampling) -> NDArray[np.float64]:
        """Return that accuracy in each bootstrap draw of the units, shape (B,), in [0, 1].

        Raises:
            ValueError: as `advantages`.
        """
        return 0.5 + self.advantages(resampling) / 2

    def advantages(self, resampling: Resampling) -> NDArray[np.float64]:
        """Return max(0, 1 − mean loss / mean baseline loss) in each draw of the units, shape (B,).

        Raises:
            ValueError: if the result has no losses, or the draws are of another number of units.
        """
        if self.losses is None or self.baseline_losses is None:
            raise ValueError(f"a result of {self.game} has no losses to draw an advantage from")
        without = resampling.means(self.baseline_losses)
        # The accuracy of a share: 1 less a loss that is relative to the baseline's.
        losses = np.divide(
            resampling.means(self.losses), without, out=np.ones_like(without), where=without > 0
        )
        return rescale_to_advantage(1 - losses, np.zeros_like(losses))

    def to_json(self) -> dict[str, Any]:
        """``game``, ``n``, ``units``, ``baseline``, every measure with its interval, the facts."""
        return {
            "game": self.game,
            "n": self.count,
            "units": self.units,
            "baseline": self.baseline,
            **_with_interval_keys({ADVANTAGE: self.advantage, **self.measures}),
            **self.facts,
        }


@dataclass(frozen=True, slots=True)
class LowFprRate:
    """A true-positive rate under a limit on false positives.

    Attributes:
        point: threshold, rates and counts.
        tpr: the rate that is reported; its interval allows for the estimated threshold.
        fpr: the false-positive rate that is actually reached, with Clopper-Pearson's interval of
            that of this threshold.
    """

    point: OperatingPoint
    tpr: Estimate
    fpr: Estimate

    def to_json(self) -> dict[str, Any]:
        """``max_fpr``, ``tpr``, ``interval``, ``fpr``, ``fpr_interval``, ``threshold``, counts.

        ``threshold`` is null without any predicted member.
        """
        point = self.point
        return {
            "max_fpr": point.max_fpr,
            "tpr": self.tpr.value,
            "interval": list(self.tpr.interval),
            "fpr": self.fpr.value,
            "fpr_interval": list(self.fpr.interval),
            # Infinity, the threshold that calls no sample a member, is not valid JSON.
            "threshold": _finite(point.threshold),
            "true_positives": point.true_positives,
            "false_positives": point.false_positives,
            "members": point.members,
            "non_members": point.non_members,
        }


@dataclass(frozen=True, slots=True)
class Unresolvable:
    """A true-positive rate that so few non-members cannot resolve.

    Attributes:
        max_fpr: the limit on false positives.
        non_members: how many there are; 10 / max_fpr would be needed.
    """

    max_fpr: float
    non_members: int

    def __str__(self) -> str:
        return f"not resolvable with n = {self.non_members} non-members"

    def to_json(self) -> dict[str, Any]:
        """``max_fpr``, ``tpr`` (null), ``note`` and ``non_members``."""
        return {
            "max_fpr": self.max_fpr,
            "tpr": None,
            "note": str(self),
            "non_members": self.non_members,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttackResult:
    """Result of one attack on the N samples of one pool; measured by its game.

    Attributes:
        game: what was attacked.
        accuracy: of the attack's decisions, in [0, 1]. Membership: balanced accuracy, so that
            unequal pools favour neither side. Attribute: share of samples whose value is right.
        auc: area under the ROC curve; attribute: the mean of one value against the rest. None
            where it is undefined.
        advantage: gain over the baseline, rescaled, in [0, 1]: 0 is nothing, 1 is everything.
        baseline: accuracy of guessing without the model, in [0, 1].
        correct: shape (N,), where the attack's decision is right.
        is_member: shape (N,), the strata of the pool.
        is_balanced: whether the accuracy is the mean of those of members and of non-members.
        threshold: membership: the score above which the decision is "member".
        operating_points: membership: the rates at low false-positive rates.
        details: membership: the closer look, where one was asked for.
        lift: attribute: accuracy less baseline, with a paired interval, in [−1, 1].
        lift_of_sides: attribute: the same of members alone, and of non-members alone. What a model
            has memorised shows as the former above the latter (Yeom et al. 2018, section 4, who
            call their difference the attribute advantage).
        macro_f1: attribute: mean F1 over the values that occur or are guessed, in [0, 1].
        baseline_correct: attribute: shape (N,), where the guess without the model is right.
        baseline_rule: attribute: which guess that is.
        absolute_error: numeric attribute: how far attack and guess are off. ``advantage`` is then
            by it, while accuracy, baseline and lift are of the intervals.
        placements: membership: shape (N,), each sample's rank fraction among the other side
            (``stats.roc.placements``): of a member the share of non-members below it, of a
            non-member the share of members above it. None in other games.
        record_scores: membership, attribute: score and risk of each sample. None in other games.
        counted: evasion, extraction: shape (N,), the non-members, which alone are read; None where
            all samples are.
        named: what results call ``accuracy``.
        measures: what else was measured, by name.
        facts: the terms that these figures hold on, JSON-ready.
        reversed: the attack with negated scores, where the whole interval of its AUC is under 0.5;
            None elsewhere.
    """

    game: str
    accuracy: Estimate
    auc: Estimate | None
    advantage: Estimate
    baseline: float
    correct: Bools
    is_member: Bools
    is_balanced: bool = False
    threshold: float | None = None
    operating_points: tuple[LowFprRate | Unresolvable, ...] = ()
    details: MembershipDetails | None = None
    lift: Estimate | None = None
    lift_of_sides: tuple[Estimate, Estimate] | None = None
    macro_f1: float | None = None
    baseline_correct: Bools | None = None
    baseline_rule: str | None = None
    absolute_error: AbsoluteError | None = None
    placements: NDArray[np.float64] | None = None
    record_scores: RecordScores | None = None
    counted: Bools | None = None
    named: str = "accuracy"
    measures: Mapping[str, Estimate] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    reversed: "AttackResult | None" = None

    def __len__(self) -> int:
        return len(self.correct)

    @property
    def members(self) -> int:
        """Return the number of counted samples that are members."""
        # Evasion and extraction count non-members only; ``None`` cannot be an index that keeps all.
        counted = slice(None) if self.counted is None else self.counted
        return int(self.is_member[counted].sum())

    @property
    def non_members(self) -> int:
        """Return the number of counted samples that are non-members."""
        counted = slice(None) if self.counted is None else self.counted
        return int((~self.is_member[counted]).sum())

    def accuracies(self, resampling: Resampling) -> NDArray[np.float64]:
        """The accuracy in each bootstrap draw, shape (B,), in [0, 1], balanced where its own is.

        Raises:
            ValueError: if the draws are of another number of samples.
        """
        # A plain mean: resampling is stratified, so weights of the strata are the same in each
        # draw.
        if not self.is_balanced:
            return resampling.means(self.correct, where=self.counted)
        # Mean of the accuracies of both strata, so that unequal pools favour neither side.
        members = resampling.means(self.correct, where=self.is_member)
        return (members + resampling.means(self.correct, where=~self.is_member)) / 2

    def advantages(self, resampling: Resampling) -> NDArray[np.float64]:
        """The advantage in each bootstrap draw, shape (B,), in [0, 1].

        Two attacks, or one on two models, are compared by the difference on the same draws.

        Raises:
            ValueError: if the draws are of another number of samples.
        """
        # A numeric attribute's advantage is defined by absolute error, not by intervals hit.
        if self.absolute_error is not None:
            return self.absolute_error.advantages(resampling)
        if self.baseline_correct is None:
            # The baseline of membership is a constant, so it has no sampling error.
            baseline = np.full(len(resampling), self.baseline)
        else:
            # The baseline is resampled with the same draws, which pairs it with the attack.
            baseline = resampling.means(self.baseline_correct, where=self.counted)
        return rescale_to_advantage(self.accuracies(resampling), baseline)

    def aucs(self, resampling: Resampling) -> NDArray[np.float64]:
        """The AUC in each bootstrap draw, shape (B,), linearised; an end may leave [0, 1].

        AUC plus the deviations of both sides' mean placements. The variance over draws is DeLong's,
        with n for n − 1 on either side; that of the difference of two results on the same draws is
        that of DeLong's paired test. No draw is ranked anew.

        Raises:
            ValueError: if the result has no placements, or the draws are of another number of
                samples.

        Source: DeLong et al. 1988, "Comparing the areas under two or more correlated receiver
        operating characteristic curves".
        """
        if self.placements is None:
            raise ValueError(f"a result of {self.game} has no placements to draw an AUC from")
        area = float(self.placements[self.is_member].mean())
        members = resampling.means(self.placements, where=self.is_member)
        return members + resampling.means(self.placements, where=~self.is_member) - area

    def to_json(self) -> dict[str, Any]:
        """Return the record of ``results.json``.

        Always ``game``, ``n``, ``members``, ``non_members``, ``accuracy`` (or what it is called),
        ``accuracy_interval``, ``advantage``, ``advantage_interval``, ``baseline``; but for evasion
        and extraction ``auc``, ``auc_interval`` (both null where undefined); and every measure with
        its interval. Membership adds ``threshold`` (null if infinite) and
        ``operating_points``, and where it was looked at closely what ``MembershipDetails.to_json``
        has; attribute adds ``lift``, ``lift_members`` and ``lift_non_members``, each with its
        interval, ``macro_f1`` and ``baseline_rule``, and a numeric one what
        ``AbsoluteError.to_json`` has. An attack whose AUC is under 0.5 with its whole interval has
        ``reversed``, the figures of the attack with negated scores.
        """
        document: dict[str, Any] = {
            "game": self.game,
            "n": self.members + self.non_members,
            "members": self.members,
            "non_members": self.non_members,
            **_with_interval_keys({self.named: self.accuracy}),
            "advantage": self.advantage.value,
            "advantage_interval": list(self.advantage.interval),
            "baseline": self.baseline,
            **_with_interval_keys(self.measures),
            **self.facts,
        }
        # Evasion and extraction have no AUC at all; membership and attribute have null where
        # undefined.
        if self.counted is None:
            document["auc"] = self.auc and self.auc.value
            document["auc_interval"] = self.auc and list(self.auc.interval)
        if self.threshold is not None:
            document["threshold"] = _finite(self.threshold)
            document["operating_points"] = [point.to_json() for point in self.operating_points]
        if self.details is not None:
            document |= self.details.to_json()
        if self.lift is not None:
            document["lift"] = self.lift.value
            document["lift_interval"] = list(self.lift.interval)
            # An attack without the split (``lift_of_sides`` None) writes no key for either side.
            for side, lift in zip(
                ("members", "non_members"), self.lift_of_sides or (), strict=False
            ):
                document[f"lift_{side}"] = lift.value
                document[f"lift_{side}_interval"] = list(lift.interval)
            document["macro_f1"] = self.macro_f1
            document["baseline_rule"] = self.baseline_rule
        if self.absolute_error is not None:
            document |= self.absolute_error.to_json()
        if self.reversed is not None:
            # Only figures with an interval: counts and facts are those of the attack itself.
            document["reversed"] = _with_intervals(self.reversed.to_json())
        return document


ComparedResult = AttackResult | UnitResult
"""Result of an attack that candidates are compared by."""


def _with_intervals(document: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that have an interval, and those."""
    names = [name for name in document if f"{name}_interval" in document]
    return {key: document[key] for name in names for key in (name, f"{name}_interval")}


def _with_interval_keys(measures: Mapping[str, Estimate]) -> dict[str, Any]:
    """Each with its interval, JSON-ready."""
    figures: dict[str, Any] = {}
    for name, estimate in measures.items():
        figures |= {name: estimate.value, f"{name}_interval": list(estimate.interval)}
    return figures


def rescale_to_advantage(accuracy: Array, baseline: Array) -> NDArray[np.float64]:
    """max(0, (accuracy − baseline) / (1 − baseline)), and 0 where the baseline is perfect.

    The definition of advantage: 0 is nothing beyond the baseline, 1 is everything.
    """
    room = 1 - np.asarray(baseline, dtype=np.float64)
    # ``where`` avoids 0/0 for a perfect baseline, which leaves no room for any gain.
    gain = np.divide(accuracy - baseline, room, out=np.zeros_like(room), where=room > 0)
    clipped: NDArray[np.float64] = np.maximum(gain, 0.0)
    return clipped


def _finite(number: float) -> float | None:
    return number if isfinite(number) else None
