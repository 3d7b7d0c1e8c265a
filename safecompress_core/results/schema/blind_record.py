"""Blind baseline in ``results.json``: members and non-members without the model."""

from safecompress_core.results.schema.record import Count, Fraction, Interval, Record

__all__ = ["BlindBaselineRecord", "ShiftedColumnRecord"]


class ShiftedColumnRecord(Record):
    """A column by which members differ from non-members."""

    name: str
    """Name of the column: of a feature of the data, or of what was computed of inputs."""
    auc_loss: float
    """Loss of AUC where the column is permuted."""


class BlindBaselineRecord(Record):
    """Gradient boosting on the samples alone, members against non-members of the pool *audit*.

    Where it distinguishes them, every figure of membership may be about this difference: the
    verdict is VOID, unless the spec has ``audit.accept_shift``.
    """

    auc: Fraction | None
    """Area under the ROC curve, cross-validated; null where there is no baseline."""
    auc_interval: Interval | None
    """99.9 % interval of ``auc``; null likewise."""
    shifted: bool
    """Whether the whole interval lies above 0.5."""
    accepted: bool
    """``audit.accept_shift`` of the spec."""
    inputs: str | None
    """What it reads of a sample; null where there is no baseline."""
    members: Count
    """Members that it was evaluated on."""
    non_members: Count
    """Non-members that it was evaluated on."""
    columns: tuple[ShiftedColumnRecord, ...]
    """The columns that matter most, at most 5; empty unless members are shifted."""
    note: str | None
    """Reason why there is no baseline; null where there is one."""
