"""Warning of shifted members before any training, for who would wait hours for a void verdict."""

from typing import Any

from safecompress_core.context.spec_context import SpecContext
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.report.validity.shift import describe_baseline

__all__ = ["with_shift_warning"]

VOID = (
    "The verdict on membership will be VOID: draw members at random from the same samples, or "
    "write 'audit: {accept_shift: true}'"
)


def with_shift_warning(card: dict[str, Any], context: SpecContext) -> dict[str, Any]:
    """Return a data card that warns if members differ from non-members without the model.

    The blind baseline is that of the results, since pools are known before the training.

    Args:
        card: of the data, JSON-ready.
        context: of a run or an audit; without an attack on membership nothing is warned of.
    """
    games = {attack.game.definition.name for attack in context.audit_attacks}
    if MEMBERSHIP.name not in games or not context.blind_baseline.shifted:
        return card
    blind = context.blind_baseline
    warning = describe_baseline(blind) if blind.accepted else f"{describe_baseline(blind)} {VOID}"
    return {**card, "warnings": [*card["warnings"], warning]}
