"""Attacks on membership in ``results.json``, with details beyond averages."""

from typing import Literal

from safecompress_core.results.schema.record import (
    AttackRecord,
    Count,
    Fraction,
    Interval,
    MeasuresRecord,
    Record,
)

__all__ = [
    "EpsilonBoundRecord",
    "LabelRecord",
    "MembershipRecord",
    "OperatingPointRecord",
    "TopDecileRecord",
    "UnresolvedPointRecord",
]


class OperatingPointRecord(Record):
    """True-positive rate at a limit on the false-positive rate."""

    max_fpr: Fraction
    """Limit on the false-positive rate."""
    tpr: Fraction
    """True-positive rate: the share of members that are found."""
    interval: Interval
    """95 % interval of ``tpr``; it allows for the estimated threshold."""
    fpr: Fraction
    """False-positive rate that is reached, at most ``max_fpr``."""
    fpr_interval: Interval
    """95 % interval of ``fpr`` at this threshold (Clopper-Pearson)."""
    threshold: float | None
    """Score above which a sample counts as a member; null where no sample does."""
    true_positives: Count
    """Members above the threshold."""
    false_positives: Count
    """Non-members above the threshold."""
    members: Count
    """Members of the pool."""
    non_members: Count
    """Non-members of the pool."""


class UnresolvedPointRecord(Record):
    """A limit on the false-positive rate that the pool has too few non-members for."""

    max_fpr: Fraction
    """Limit on the false-positive rate."""
    tpr: None
    """Always null."""
    note: str
    """Reason."""
    non_members: Count
    """Non-members of the pool; 10 / ``max_fpr`` are needed."""


class EpsilonBoundRecord(Record):
    """Lower bounds on the ε of differential privacy, by one-run auditing."""

    lower_bound: float
    """The bound on ε at ``delta``, ≥ 0; 0 where the guesses prove nothing."""
    gaussian_lower_bound: float | None
    """The same if the whole procedure is as private as a Gaussian mechanism (f-DP), which is
    tighter; null for a ``delta`` of 0."""
    delta: Fraction
    """δ of both bounds, from the spec."""
    confidence: Fraction
    """One-sided confidence of each bound; it allows for the choice of the number of guesses."""
    pairs: Count
    """Pairs of a member and a non-member of the same task label."""
    guesses: Count
    """Pairs for which a guess was made: of the numbers in the spec the one that proves most."""
    correct: Count
    """Guesses that are correct."""


class TopDecileRecord(Record):
    """The tenth of the pool with the highest scores."""

    precision: Fraction
    """Share of members among these samples."""
    interval: Interval
    """95 % interval of ``precision`` (Clopper-Pearson)."""
    samples: Count
    """Number of these samples."""
    members: Count
    """Members among them."""
    share: Fraction
    """Their share of the pool; more than 0.1 where scores tie."""
    baseline: Fraction
    """Share of members in the whole pool: the precision of a random choice."""


class LabelRecord(MeasuresRecord):
    """Measures of a membership attack on the samples of one task label."""

    label: str
    """Name of the label."""
    members: Count
    """Members with this label."""
    non_members: Count
    """Non-members with this label."""
    advantage: Fraction | None
    """TPR − FPR, in [0, 1]; null with fewer than 10 members or non-members."""
    advantage_interval: Interval | None
    """95 % interval of ``advantage``."""
    accuracy: Fraction | None
    """Balanced accuracy; null with fewer than 10 members or non-members."""
    accuracy_interval: Interval | None
    """95 % interval of ``accuracy``."""
    auc: Fraction | None
    """Area under the ROC curve of this label; null with fewer than 10 members or non-members."""
    auc_interval: Interval | None
    """95 % interval of ``auc``."""
    note: str | None = None
    """Why there are no measures; only where they are null."""


class MembershipRecord(AttackRecord):
    """An attack on membership.

    The keys from ``precision`` to ``exposed_min_risk`` are in an audit only, and not in
    ``canaries``.
    """

    game: Literal["membership"]
    """Game that the attack plays."""
    accuracy: Fraction
    """Balanced accuracy: the mean of the true-positive and the true-negative rate."""
    accuracy_interval: Interval
    """95 % interval of ``accuracy``."""
    auc: Fraction
    """Area under the ROC curve."""
    auc_interval: Interval
    """95 % interval of ``auc`` (DeLong)."""
    threshold: float | None
    """Score above which a sample counts as a member, chosen on attack-train; null if infinite."""
    operating_points: tuple[OperatingPointRecord | UnresolvedPointRecord, ...]
    """True-positive rates at false-positive rates of at most 0.1, 0.01 and 0.001."""
    precision: Fraction | None = None
    """Share of true members among the samples called members, if members are as rare as
    ``precision_prior`` states; null where no sample is called a member."""
    precision_interval: Interval | None = None
    """95 % interval of ``precision``."""
    precision_prior: Fraction | None = None
    """Assumed share of members, from the spec."""
    epsilon: EpsilonBoundRecord | None = None
    """Lower bound on ε; null where no pair could be made."""
    top_decile: TopDecileRecord | None = None
    """The tenth of the pool with the highest scores."""
    labels: tuple[LabelRecord, ...] | None = None
    """Measures by task label, in the order of the labels."""
    exposed_members: Fraction | None = None
    """Share of members whose calibrated risk is at least ``exposed_min_risk``."""
    exposed_members_interval: Interval | None = None
    """95 % interval of ``exposed_members`` (Clopper-Pearson)."""
    exposed_min_risk: Fraction | None = None
    """Risk from which a member counts as exposed, from the spec."""
    canaries: "MembershipRecord | None" = None
    """Measures on the canaries; only in an audit with ``pools.canaries``."""
