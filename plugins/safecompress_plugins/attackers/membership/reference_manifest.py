"""Names and parameters of the membership attackers that compare with reference models."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from safecompress_core.api import Access, AttackerDef, Game, ReferenceAttackerParams

__all__ = ["DEFINITIONS", "BayesOptimalParams", "CalibratedParams", "LiraParams", "RmiaParams"]

Mode = Literal["online", "offline"]
Share = Annotated[float, Field(ge=0, le=1)]


class LiraParams(ReferenceAttackerParams):
    """The likelihood ratio of a sample's confidence with and without it in training."""

    mode: Mode = "online"
    """``online``: compares models that were trained on the sample with models that were not.
    ``offline``: uses the latter alone, as an adversary must who trained its models beforehand."""
    variant: Literal["paper", "density"] = "paper"
    """How ``offline`` scores. ``paper``: by the probability that a model without the sample is less
    confident. ``density``: by how unlikely the confidence is, as the widespread code does, which
    takes a model that is far *less* confident for one that knew the sample."""
    variance: Literal["auto", "global", "sample"] = "auto"
    """``sample``: of each sample's confidence. ``global``: one for all samples. ``auto``: the first
    from 64 reference models on, below which it is too noisy."""

    @model_validator(mode="after")
    def _has_a_use_for_its_variant(self) -> Self:
        if self.mode == "online" and self.variant != "paper":
            raise ValueError("'variant' is a choice of the offline test; write 'mode: offline'")
        return self


class RmiaParams(ReferenceAttackerParams):
    """How many samples of the population a sample dominates in its likelihood ratio."""

    mode: Mode = "online"
    """``online``: a sample's average probability is taken over all reference models.
    ``offline``: over those that were not trained on it, and corrected by ``scaling``."""
    gamma: Annotated[float, Field(ge=1)] = 2.0
    """How many times another sample's ratio has to be exceeded."""
    scaling: Share = 0.3
    """The *a* of ``offline``: how much the probability that models trained on a sample give it
    depends on the one that the others do; at 0 that is 1 for every sample."""


class BayesOptimalParams(ReferenceAttackerParams):
    """The loss against a threshold from the average probability under reference models."""

    mode: Mode = "online"
    """``online``: averages over all reference models. ``offline``: over those that were not trained
    on the sample, and weighs the threshold by ``scaling``."""
    scaling: Share = 0.33
    """The weight of ``offline``; at 0 what is left is the loss alone."""


class CalibratedParams(ReferenceAttackerParams):
    """The loss against its mean under models that were not trained on the sample."""


DEFINITIONS = (
    AttackerDef(
        name="lira",
        params=LiraParams,
        target="safecompress_plugins.attackers.membership.lira:Lira",
        summary="Likelihood ratio of confidence, by reference models with and without the sample.",
        cites="Carlini et al. 2022, Membership Inference Attacks From First Principles, S&P, "
        "Algorithm 1",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
        references=True,
    ),
    AttackerDef(
        name="rmia",
        params=RmiaParams,
        target="safecompress_plugins.attackers.membership.rmia:Rmia",
        summary="Share of the population whose likelihood ratio a sample's own dominates.",
        cites="Zarifzadeh, Liu & Shokri 2024, Low-Cost High-Power Membership Inference Attacks, "
        "ICML",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
        references=True,
    ),
    AttackerDef(
        name="base",
        params=BayesOptimalParams,
        target="safecompress_plugins.attackers.membership.bayes_optimal:BayesOptimal",
        summary="Loss against a threshold of each sample's own: its mean probability elsewhere.",
        cites="Lassila et al. 2025, Practical Bayes-Optimal Membership Inference Attacks, NeurIPS; "
        "as in LeakPro's base.py",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
        references=True,
    ),
    AttackerDef(
        name="calibrated",
        params=CalibratedParams,
        target="safecompress_plugins.attackers.membership.calibrated:Calibrated",
        summary="Loss less what it is for models that never saw the sample: its difficulty.",
        cites="Watson, Guo, Cormode & Sablayrolles 2022, On the Importance of Difficulty "
        "Calibration in Membership Inference Attacks, ICLR",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
        references=True,
    ),
)
