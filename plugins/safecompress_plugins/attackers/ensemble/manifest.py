"""Name and parameters of the attacker that is made of others."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import CombinedAttackerDef, CombinedAttackerParams

__all__ = ["DEFINITIONS", "BasketParams"]


class BasketParams(CombinedAttackerParams):
    """Several attackers as one, which counts for as much as the worst of them."""

    worst: Literal["sample", "run"] = "sample"
    """``run``: of each model, the part that does best on attack-train answers for all samples.
    ``sample``: of each sample, the part answers that is surest of it."""
    folds: Annotated[int, Field(ge=2, le=100)] = 5
    """How many times a part is fitted on a part of attack-train, to see how it does on the rest:
    which of them is the worst, and what their scores mean, is learned from that. One more fit, on
    all of attack-train, is what answers."""


DEFINITIONS = (
    CombinedAttackerDef(
        name="basket",
        params=BasketParams,
        target="safecompress_plugins.attackers.ensemble.basket:Basket",
        summary="Several attackers as one: the worst of them, of each sample or of the whole run.",
        cites="Platt 1999, Probabilistic Outputs for Support Vector Machines; Guo et al. 2017, On "
        "Calibration of Modern Neural Networks, ICML (what makes scores comparable)",
    ),
)
