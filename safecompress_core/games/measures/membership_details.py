"""Membership risk beyond averages: precision at a low prior, labels, top-decile samples.

All of it is about one attack on membership, on the pool that is reported. Nothing here is chosen on
that pool: the threshold is the attack's, labels are the task's, and samples are ranked by their
scores, which are made without the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safecompress_core.games.measures.epsilon_bound import (
    GUESSES,
    GuessOptions,
    MatchedPairs,
    OneRunBound,
    one_run_bound,
)
from safecompress_core.games.measures.record_scores import MIN_RISK, share_exposed
from safecompress_core.stats.intervals import (
    CONFIDENCE,
    Estimate,
    auc_interval,
    clopper_pearson,
)
from safecompress_core.stats.record_risk import RiskCalibration
from safecompress_core.stats.roc import Array

__all__ = [
    "FEWEST_OF_A_LABEL",
    "PRIOR",
    "TOP",
    "DetailOptions",
    "LabelFigures",
    "MembershipDetails",
    "TopScored",
    "advantage_of_decisions",
    "label_table",
    "membership_details",
    "precision_at_prior",
    "top_scored",
]

# N samples · C task labels

PRIOR = 0.1
"""Share of members among those an adversary asks about, unless the spec says otherwise."""

TOP = 0.1
"""The share of a pool that is looked at as its most exposed."""

FEWEST_OF_A_LABEL = 10
"""Members, and non-members, that a label needs for figures of its own."""

Bools = NDArray[np.bool_]


def advantage_of_decisions(
    says_member: Bools, is_member: Bools, *, confidence: float = CONFIDENCE
) -> Estimate:
    """TPR − FPR of decisions (N,) with an interval, in [−1, 1].

    That is 2·AUC − 1 of the decisions as scores of two values, with the interval of that. It covers
    94 % or more where 95 % are claimed, by enumeration of all counts in pools of 20 to 200;
    Newcombe's covers as little as 88 % where the signal is strong.

    Raises:
        PoolError: if there are fewer than 2 members or 2 non-members.
    """
    # TPR − FPR is 2·AUC − 1 when the scores are 0 and 1, so DeLong-type intervals apply unchanged.
    area = auc_interval(says_member, is_member, confidence=confidence)
    return area.scale(2.0, shift=-1.0)


def precision_at_prior(
    says_member: Bools, is_member: Bools, *, prior: float = PRIOR, confidence: float = CONFIDENCE
) -> Estimate | None:
    """Return the precision among predicted members if a share ``prior`` were members.

    π·TPR / (π·TPR + (1 − π)·FPR). Both rates are known to lie in their Clopper-Pearson intervals at
    once (each at half the error), and the precision rises with the first and falls with the
    second, so its interval runs from one pair of corners to the other. It is never too narrow.

    Args:
        says_member: the attack's decisions, shape (N,).
        is_member: the truth, shape (N,).
        prior: π, in (0, 1).
        confidence: of the interval.

    Returns:
        The estimate in [0, 1]; None without any predicted member.

    Raises:
        PoolError: if there are no members or no non-members.
        ValueError: if the prior is not in (0, 1).

    Source: Jayaraman, Wang, Knipmeyer, Gu & Evans 2021, "Revisiting Membership Inference Under
    Realistic Assumptions", PoPETs (positive predictive value under a skewed prior).
    """
    if not 0 < prior < 1:
        raise ValueError(f"the prior must be in (0, 1), but is {prior}")
    # Precision is undefined if nothing is predicted a member; 0 would look like a measured value.
    if not says_member.any():
        return None
    # Bonferroni: each rate at half the error, so that both intervals hold at once.
    each = (1 + confidence) / 2
    tpr, fpr = (
        clopper_pearson(int(says_member[side].sum()), int(side.sum()), confidence=each)
        for side in (is_member, ~is_member)
    )

    def share(hits: float, errors: float) -> float:
        return prior * hits / (prior * hits + (1 - prior) * errors)

    # Corners: precision is lowest at low TPR and high FPR, and highest at the opposite pair.
    return Estimate(share(tpr.value, fpr.value), share(tpr.low, fpr.high), share(tpr.high, fpr.low))


@dataclass(frozen=True, slots=True)
class TopScored:
    """The samples of a pool with the highest scores.

    Attributes:
        samples: how many they are, whole blocks of ties.
        members: how many of them are members.
        precision: the share of members among them.
        share: how much of the pool they are; more than asked for where scores tie.
        baseline: the share of members in the whole pool, which picking blindly would give.
    """

    samples: int
    members: int
    precision: Estimate
    share: float
    baseline: float

    def to_json(self) -> dict[str, Any]:
        """``precision``, ``interval``, ``samples``, ``members``, ``share``, ``baseline``."""
        return {
            "precision": self.precision.value,
            "interval": list(self.precision.interval),
            "samples": self.samples,
            "members": self.members,
            "share": self.share,
            "baseline": self.baseline,
        }


def top_scored(
    scores: Array, is_member: Bools, *, share: float = TOP, confidence: float = CONFIDENCE
) -> TopScored:
    """Return the share of members in the highest-scoring ``share``, with Clopper-Pearson.

    These are the samples that the attack is most confident about; an average over the pool hides
    them. Ties are never split: the block of the last sample counts whole.

    Args:
        scores: shape (N,), higher means more likely a member.
        is_member: shape (N,), True for members.
        share: in (0, 1].
        confidence: of the interval.

    Source: the concern is that of Aerni, Zhang & Tramèr 2024, "Evaluations of Machine Learning
    Privacy Defenses are Misleading", CCS: report the most vulnerable samples, not the average.
    """
    # Rounded before ceil, or 0.1 · 30 = 3.0000000000000004 would take a fourth sample.
    wanted = ceil(round(share * len(scores), 9))
    least = np.sort(np.asarray(scores))[len(scores) - wanted]
    # Not the first ``wanted``: a block of ties is taken whole, so order in the pool has no
    # influence.
    taken = np.asarray(scores) >= least
    samples, members = int(taken.sum()), int(is_member[taken].sum())
    return TopScored(
        samples=samples,
        members=members,
        precision=clopper_pearson(members, samples, confidence=confidence),
        share=samples / len(scores),
        baseline=float(is_member.mean()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFigures:
    """Figures of an attack on the samples of one task label.

    Attributes:
        label: its name.
        members, non_members: samples of it.
        advantage: TPR − FPR, in [0, 1]; None where there are too few samples.
        accuracy: balanced, in [0, 1]; None likewise.
        auc: area under the label's own ROC curve; None likewise.
    """

    label: str
    members: int
    non_members: int
    advantage: Estimate | None = None
    accuracy: Estimate | None = None
    auc: Estimate | None = None

    def to_json(self) -> dict[str, Any]:
        """``label``, counts, each figure with its interval; null and a ``note`` for too few."""
        document: dict[str, Any] = {
            "label": self.label,
            "members": self.members,
            "non_members": self.non_members,
        }
        for name in ("advantage", "accuracy", "auc"):
            figure: Estimate | None = getattr(self, name)
            document[name] = figure and figure.value
            document[f"{name}_interval"] = figure and list(figure.interval)
        if self.auc is None:
            document["note"] = f"fewer than {FEWEST_OF_A_LABEL} members or non-members"
        return document


def label_table(
    scores: Array,
    says_member: Bools,
    is_member: Bools,
    labels: NDArray[np.int64],
    *,
    names: Sequence[str],
    confidence: float = CONFIDENCE,
) -> tuple[LabelFigures, ...]:
    """The attack's figures for each task label, at the one threshold that it has for all.

    Each interval holds by itself: of twenty labels that are alike, one may well look worse.

    Args:
        scores: shape (N,), higher means more likely a member.
        says_member: the attack's decisions, shape (N,).
        is_member: the truth, shape (N,).
        labels: task labels, shape (N,), in [0, C).
        names: of the C labels.
        confidence: of every interval.
    """
    table = []
    for label, name in enumerate(names):
        # One threshold for all labels: a threshold per label would be fitted to the reported pool.
        rows = labels == label
        among = is_member[rows]
        members, non_members = int(among.sum()), int((~among).sum())
        if min(members, non_members) < FEWEST_OF_A_LABEL:
            # Still listed, without figures: a label that disappears would look like one without
            # risk.
            table.append(LabelFigures(label=name, members=members, non_members=non_members))
            continue
        gained = advantage_of_decisions(says_member[rows], among, confidence=confidence)
        table.append(
            LabelFigures(
                label=name,
                members=members,
                non_members=non_members,
                # Clipped only for the advantage; accuracy below 0.5 is kept, since it shows an
                # inverted attack.
                advantage=gained.clip(0.0, 1.0),
                accuracy=gained.scale(0.5, shift=0.5),
                auc=auc_interval(scores[rows], among, confidence=confidence),
            )
        )
    return tuple(table)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetailOptions:
    """Settings of a pool's details, fixed before any attack on it is examined.

    Attributes:
        pairs: of members and non-members, for the bound on ε.
        names: of the task's labels.
        folds: of each sample, shape (N,), for the calibration of risk.
        prior: share of members at which precision is stated, in (0, 1).
        min_risk: from which a member counts as exposed, in (0, 1].
        guesses: terms of the bound on ε.
    """

    pairs: MatchedPairs
    names: Sequence[str]
    folds: NDArray[np.int64]
    prior: float = PRIOR
    min_risk: float = MIN_RISK
    guesses: GuessOptions = GUESSES


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipDetails:
    """Membership risk beyond averages of one attack.

    Attributes:
        prior: share of members at which ``precision`` is stated.
        precision: among predicted members; None without any predicted member.
        epsilon: a lower bound on ε; None where no pair could be made.
        exposed: the tenth of the pool with the highest scores.
        labels: figures for each task label.
        min_risk: from which a member counts as exposed.
        exposed_members: share of members whose risk is at least that.
        calibration: from scores to risk.
    """

    prior: float
    precision: Estimate | None
    epsilon: OneRunBound | None
    exposed: TopScored
    labels: tuple[LabelFigures, ...]
    min_risk: float
    exposed_members: Estimate
    calibration: RiskCalibration

    def to_json(self) -> dict[str, Any]:
        """Every figure with its interval, and what it holds on, JSON-ready."""
        return {
            "precision": self.precision and self.precision.value,
            "precision_interval": self.precision and list(self.precision.interval),
            "precision_prior": self.prior,
            "epsilon": self.epsilon and self.epsilon.to_json(),
            "top_decile": self.exposed.to_json(),
            "labels": [label.to_json() for label in self.labels],
            "exposed_members": self.exposed_members.value,
            "exposed_members_interval": list(self.exposed_members.interval),
            "exposed_min_risk": self.min_risk,
        }


def membership_details(
    detail_options: DetailOptions,
    scores: Array,
    says_member: Bools,
    is_member: Bools,
    labels: NDArray[np.int64],
    *,
    confidence: float,
) -> MembershipDetails:
    """Compute the details of an attack on a pool; all but ``detail_options`` is (N,)."""
    calibration = RiskCalibration.fit(scores, is_member, folds=detail_options.folds)
    return MembershipDetails(
        prior=detail_options.prior,
        precision=precision_at_prior(
            says_member, is_member, prior=detail_options.prior, confidence=confidence
        ),
        epsilon=one_run_bound(
            scores, detail_options.pairs, options=detail_options.guesses, confidence=confidence
        ),
        exposed=top_scored(scores, is_member, confidence=confidence),
        labels=label_table(
            scores,
            says_member,
            is_member,
            labels,
            names=detail_options.names,
            confidence=confidence,
        ),
        min_risk=detail_options.min_risk,
        exposed_members=share_exposed(
            calibration.risk(scores),
            is_member,
            min_risk=detail_options.min_risk,
            confidence=confidence,
        ),
        calibration=calibration,
    )
