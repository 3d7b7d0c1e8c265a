"""Manifest: name and parameters of the attack, without torch."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from safecompress_core.api import BLACK_BOX, AttackerDef, AttackerParams, hookimpl

__all__ = ["CONFIDENCE_GAP", "ConfidenceGapParams", "safecompress_attackers"]


class ConfidenceGapParams(AttackerParams):
    """Gap between the two largest posteriors, calibrated by class."""

    prior: Annotated[float, Field(ge=0)] = 10
    """Weight, in samples, of the mean and deviation over all classes in those of each class. 0 uses
    each class's own samples alone; larger values make classes more alike."""


CONFIDENCE_GAP = AttackerDef(
    name="confidence-gap",
    params=ConfidenceGapParams,
    target="safecompress_example_attacker.confidence_gap:ConfidenceGap",
    summary="Members have a wide gap, for their class, between the two largest posteriors.",
    cites="Salem et al. 2019, ML-Leaks, NDSS, section V; Carlini et al. 2022, IEEE S&P",
    game="membership",
    needs=BLACK_BOX,
)


@hookimpl
def safecompress_attackers() -> Iterable[AttackerDef]:
    """Register the one attack of this plugin."""
    return [CONFIDENCE_GAP]
