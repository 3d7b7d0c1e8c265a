"""What SafeCompress needs to know of the attack before it runs; imports no torch."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from safecompress_core.api import Access, AttackerDef, AttackerParams, Game, hookimpl

__all__ = ["CONFIDENCE_GAP", "ConfidenceGapParams", "safecompress_attackers"]


class ConfidenceGapParams(AttackerParams):
    """The gap between the two largest posteriors, calibrated by class."""

    prior: Annotated[float, Field(ge=0)] = 10
    """How many samples the non-members of all classes together count for in each class's mean and
    spread. 0 trusts each class's own samples alone; the larger, the more alike all classes are."""


CONFIDENCE_GAP = AttackerDef(
    name="confidence-gap",
    params=ConfidenceGapParams,
    target="safecompress_example_attacker.confidence_gap:ConfidenceGap",
    summary="Members have a wide gap, for their class, between the two largest posteriors.",
    cites="Salem et al. 2019, ML-Leaks, NDSS, section V; Carlini et al. 2022, IEEE S&P",
    game=Game.MEMBERSHIP,
    access=Access.BLACK_BOX,
)


@hookimpl
def safecompress_attackers() -> Iterable[AttackerDef]:
    """The one attack that this plugin has."""
    return [CONFIDENCE_GAP]
