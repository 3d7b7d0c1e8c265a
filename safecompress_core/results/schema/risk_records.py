"""Risk record by record in ``results.json``; every single score is in ``scores.parquet``."""

from typing import Literal

from safecompress_core.results.schema.record import Count, Fraction, Interval, Record

__all__ = ["ExposedRecord", "GroupRiskRecord", "OverlapRecord", "RecordRisksRecord"]


class ExposedRecord(Record):
    """A member that is among the most exposed."""

    position: Count
    """Position of the sample in the data set, from 0, before copies are removed."""
    label: str
    """Its task label."""
    score: float | None
    """Score of the attack that ranks; null if infinite."""
    rank: Count
    """Rank of the score among all records of the pool, from 1; ties share the lowest."""
    risk: Fraction
    """Calibrated risk: the probability that a record with such a score is a member, if half of
    all records are."""
    risk_interval: Interval | None
    """95 % interval of ``risk`` over the choice of reference models; null where the attack has
    none, or fewer than six."""
    flagged_by: tuple[str, ...]
    """Attacks on membership whose risk of this record is at least ``min_risk``."""


class OverlapRecord(Record):
    """Members that two attacks flag at the same limit on false positives."""

    attacks: tuple[str, str]
    """The two attacks."""
    flagged: tuple[Count, Count]
    """Members that each of them flags."""
    both: Count
    """Members that both of them flag."""
    jaccard: Fraction | None
    """Jaccard index: ``both``, divided by the members that any of the two flags; null where
    neither flags one."""


class GroupRiskRecord(Record):
    """Risk of the members of one group, by the attack that ranks."""

    by: str
    """``label`` for a task label, or the name of an attribute."""
    kind: Literal["label", "attribute"]
    """Whether the group has a task label or a value of an attribute in common."""
    value: str
    """The label or the value."""
    members: Count
    """Members of the group."""
    risk: Fraction
    """Mean calibrated risk of these members."""
    risk_interval: Interval
    """95 % interval of ``risk``, for members as a sample of their group."""
    exposed: Count
    """Members of the group whose risk is at least ``min_risk``."""


class RecordRisksRecord(Record):
    """Risk of the records of the pool *audit*, for the chosen model.

    A record's risk comes from the scores of other records, so its own membership has no influence
    on it.
    """

    file: str
    """File in the run directory with the score of every record by every attack."""
    attack: str
    """Attack on membership with the highest AUC, by which records are ranked."""
    min_risk: Fraction
    """Risk from which a member counts as exposed, from the spec."""
    exposed: tuple[ExposedRecord, ...]
    """The members with the highest risk, at most 20, the most exposed first."""
    max_fpr: Fraction | None
    """Limit on the false-positive rate of ``overlap``: 0.01, or 0.1 where the pool has fewer than
    1,000 non-members; null with fewer than 100."""
    overlap: tuple[OverlapRecord, ...]
    """Each pair of attacks on membership; empty without ``max_fpr``."""
    groups: tuple[GroupRiskRecord, ...]
    """By task label, then by each private attribute of the data; groups without a member are left
    out."""
