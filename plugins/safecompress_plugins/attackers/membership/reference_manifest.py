"""Names and parameters of the membership attackers with reference models."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from safecompress_core.api import BLACK_BOX, AttackerDef, Need, ReferenceAttackerParams

__all__ = ["DEFINITIONS", "BayesOptimalParams", "CalibratedParams", "LiraParams", "RmiaParams"]

Mode = Literal["online", "offline"]
Share = Annotated[float, Field(ge=0, le=1)]


class LiraParams(ReferenceAttackerParams):
    """The likelihood ratio of a sample's confidence with and without it in training."""

    mode: Mode = "online"
    """``online``: compares models trained on the sample with the others. ``offline``: uses the
    latter alone, as an adversary must whose models were trained beforehand."""
    variant: Literal["paper", "density"] = "paper"
    """Score of ``offline``. ``paper``: the probability that a model without the sample is less
    confident. ``density``: how unlikely the confidence is, as in widespread code, which takes a
    model that is far *less* confident for one trained on the sample."""
    variance: Literal["auto", "global", "sample"] = "auto"
    """``sample``: of each sample's confidence. ``global``: one for all samples. ``auto``:
    ``sample`` from 64 reference models on, below which it is too noisy."""

    @model_validator(mode="after")
    def _has_a_use_for_its_variant(self) -> Self:
        if self.mode == "online" and self.variant != "paper":
            raise ValueError("'variant' is a choice of the offline test; write 'mode: offline'")
        return self


class RmiaParams(ReferenceAttackerParams):
    """The share of the population with a smaller likelihood ratio."""

    mode: Mode = "online"
    """``online``: a sample's mean probability over all reference models. ``offline``: over those
    not trained on it, corrected by ``scaling``."""
    gamma: Annotated[float, Field(ge=1)] = 2.0
    """Factor by which another sample's ratio has to be exceeded."""
    scaling: Share = 0.3
    """The *a* of ``offline``: the slope of the probability under models trained on a sample over
    that under the others; at 0 the former is 1 for every sample."""


class BayesOptimalParams(ReferenceAttackerParams):
    """The loss with a threshold from the mean probability under reference models."""

    mode: Mode = "online"
    """``online``: the mean over all reference models. ``offline``: over those not trained on the
    sample, with the threshold weighted by ``scaling``."""
    scaling: Share = 0.33
    """The weight of ``offline``; at 0 the score is the loss alone."""


class CalibratedParams(ReferenceAttackerParams):
    """The loss minus its mean under models that were not trained on the sample."""


DEFINITIONS = (
    AttackerDef(
        name="lira",
        params=LiraParams,
        target="safecompress_plugins.attackers.membership.lira:Lira",
        summary="Likelihood ratio of confidence, by reference models with and without the sample.",
        cites="Carlini et al. 2022, Membership Inference Attacks From First Principles, S&P, "
        "Algorithm 1",
        game="membership",
        needs=BLACK_BOX | {Need.REFERENCES},
    ),
    AttackerDef(
        name="rmia",
        params=RmiaParams,
        target="safecompress_plugins.attackers.membership.rmia:Rmia",
        summary="Share of the population whose likelihood ratio a sample's own dominates.",
        cites="Zarifzadeh, Liu & Shokri 2024, Low-Cost High-Power Membership Inference Attacks, "
        "ICML",
        game="membership",
        needs=BLACK_BOX | {Need.REFERENCES},
    ),
    AttackerDef(
        name="base",
        params=BayesOptimalParams,
        target="safecompress_plugins.attackers.membership.bayes_optimal:BayesOptimal",
        summary="Loss with a threshold for each sample: mean probability of reference models.",
        cites="Lassila et al. 2025, Practical Bayes-Optimal Membership Inference Attacks, NeurIPS; "
        "as in LeakPro's base.py",
        game="membership",
        needs=BLACK_BOX | {Need.REFERENCES},
    ),
    AttackerDef(
        name="calibrated",
        params=CalibratedParams,
        target="safecompress_plugins.attackers.membership.calibrated:Calibrated",
        summary="Loss minus the sample's difficulty: its mean loss under models not trained on it.",
        cites="Watson, Guo, Cormode & Sablayrolles 2022, On the Importance of Difficulty "
        "Calibration in Membership Inference Attacks, ICLR",
        game="membership",
        needs=BLACK_BOX | {Need.REFERENCES},
    ),
)
