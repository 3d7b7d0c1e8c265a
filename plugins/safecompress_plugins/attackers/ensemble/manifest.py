"""Name and parameters of the ensemble of attackers."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import CombinedAttackerDef, CombinedAttackerParams

__all__ = ["DEFINITIONS", "EnsembleAttackerParams"]


class EnsembleAttackerParams(CombinedAttackerParams):
    """Several attackers as one, as strong as the strongest of them."""

    worst: Literal["sample", "run"] = "sample"
    """``run``: for each model, the member with the best accuracy on attack-train scores all
    samples. ``sample``: each sample is scored by the member that is most confident of it."""
    folds: Annotated[int, Field(ge=2, le=100)] = 5
    """Folds of attack-train. Each member is fitted once without each fold and judged on it, to
    choose the strongest and to calibrate scores. The reported scores come from one more fit, on all
    of attack-train."""


DEFINITIONS = (
    CombinedAttackerDef(
        name="basket",
        params=EnsembleAttackerParams,
        target="safecompress_plugins.attackers.ensemble.ensemble_attacker:EnsembleAttacker",
        summary="Several attackers as one: the strongest of them, by sample or by run.",
        cites="Platt 1999, Probabilistic Outputs for Support Vector Machines; Guo et al. 2017, On "
        "Calibration of Modern Neural Networks, ICML (what makes scores comparable)",
    ),
)
