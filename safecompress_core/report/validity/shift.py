"""Shift between members and non-members, as the blind baseline shows it, in words."""

from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.report.formatting import and_list, format_interval, format_number
from safecompress_core.results.schema import BlindBaselineRecord, Results

__all__ = [
    "describe_baseline",
    "find_shift",
    "has_unaccepted_shift",
    "shift_reason",
    "shift_remark",
]


def find_shift(results: Results) -> BlindBaselineRecord | None:
    """Return the blind baseline where it voids figures of membership, accepted or not.

    Without an attack on membership there are no such figures.
    """
    blind = results.blind_baseline
    is_about_members = any(attack.game == MEMBERSHIP.name for attack in results.audit.values())
    return blind if blind is not None and blind.shifted and is_about_members else None


def has_unaccepted_shift(results: Results) -> bool:
    """Return whether members and non-members differ without the model, against the spec."""
    shift = find_shift(results)
    return shift is not None and not shift.accepted


def shift_reason(results: Results) -> str:
    """Return why a shift voids the verdict, as a clause."""
    shift = find_shift(results)
    assert shift is not None  # asked of a void verdict
    return f"members differ from non-members without the model ({_figures(shift)})"


def shift_remark(results: Results) -> str:
    """Return what a verdict adds where the spec accepts a shift; empty where there is none."""
    shift = find_shift(results)
    if shift is None or not shift.accepted:
        return ""
    return (
        f" Members differ from non-members without the model ({_figures(shift)}), which the spec "
        "accepts: figures of membership are about that difference as well."
    )


def describe_baseline(blind: BlindBaselineRecord) -> str:
    """Return the outcome of the baseline as a sentence."""
    lead = "Blind baseline, gradient boosting without the model"
    if blind.auc is None or blind.auc_interval is None:
        return f"{lead}: not possible, {blind.note}."
    figures = f"AUC {format_number(blind.auc)}, {format_interval(*blind.auc_interval)}"
    if not blind.shifted:
        return (
            f"{lead}: its {blind.inputs} do not distinguish members from non-members, as it must "
            f"be ({figures}; the interval is not above 0.5)."
        )
    accepted = " The spec accepts it (accept_shift: true)." if blind.accepted else ""
    return (
        f"{lead}: it distinguishes members from non-members by their {blind.inputs} "
        f"({figures}){_by(blind)}. Attacks may read that difference instead of the model.{accepted}"
    )


def _figures(shift: BlindBaselineRecord) -> str:
    assert shift.auc is not None  # of a shift
    return f"AUC {format_number(shift.auc)}{_by(shift)}"


def _by(blind: BlindBaselineRecord) -> str:
    """Return the columns that matter most; empty if none does by itself."""
    names = [column.name for column in blind.columns[:3]]
    return f", most by {and_list(names)}" if names else ""
