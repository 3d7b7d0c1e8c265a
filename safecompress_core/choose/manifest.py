"""The four aggregators that core ships: parameters and definitions."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from safecompress_core.api import AggregatorDef, Params

__all__ = [
    "DEFINITIONS",
    "ParetoParams",
    "Reference",
    "TmScoreParams",
    "WeightedParams",
    "WorstCaseParams",
]

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class WeightedParams(Params):
    """Parameters of ``weighted``."""

    performance_weight: Positive = 1.0
    """How much performance counts; each attack counts by its own ``weight``."""
    performance_scale: Positive = 1.0
    """The difference in performance that is one unit of utility."""
    advantage_scale: Positive = 1.0
    """The difference in an attack's advantage that is one unit of utility."""


class TmScoreParams(Params):
    """Parameters of ``tm-score``."""

    exponent: Positive = 1.0
    """λ: above 1 the task counts more, below 1 the attacks do."""


class WorstCaseParams(Params):
    """Parameters of ``worst-case``."""

    floor: Share
    """The least performance that is acceptable; 0 for none."""


class Reference(Params):
    """The wished-for values that ``pick: reference-point`` comes as near to as it can."""

    performance: Share
    """The wished-for performance."""
    advantage: Share
    """The advantage that is wished for with every attack."""


class ParetoParams(Params):
    """Parameters of ``pareto``."""

    pick: Literal["knee", "hypervolume", "reference-point", "tm-score"] = "knee"
    """How one of the non-dominated candidates is picked."""
    reference: Reference | None = None
    """For ``pick: reference-point``, and only there: the wished-for values."""
    exponent: Positive | None = None
    """For ``pick: tm-score``, and only there: λ, 1 where it is left out."""

    @model_validator(mode="after")
    def _options_belong_to_the_pick(self) -> "ParetoParams":
        if self.pick == "reference-point" and self.reference is None:
            raise ValueError(
                "pick: reference-point needs reference: {performance: …, advantage: …}"
            )
        if self.pick != "reference-point" and self.reference is not None:
            raise ValueError(f"reference has no meaning with pick: {self.pick}; leave it out")
        if self.pick != "tm-score" and self.exponent is not None:
            raise ValueError(f"exponent has no meaning with pick: {self.pick}; leave it out")
        return self


DEFINITIONS: tuple[AggregatorDef, ...] = (
    AggregatorDef(
        name="weighted",
        params=WeightedParams,
        target="safecompress_core.choose.weighted:Weighted",
        summary="Performance minus each attack's advantage, weighted, over stated scales.",
        cites="Zadeh 1963, Optimality and Non-Scalar-Valued Performance Criteria",
    ),
    AggregatorDef(
        name="tm-score",
        params=TmScoreParams,
        target="safecompress_core.choose.tm_score:TmScore",
        summary="Task accuracy to the power of λ over the attacks' mean accuracy.",
        cites="Zhu, Wang & Han 2022 (ASE), Eq. 6",
    ),
    AggregatorDef(
        name="worst-case",
        params=WorstCaseParams,
        target="safecompress_core.choose.worst_case:WorstCase",
        summary="The largest advantage is least, at no less than a floor of performance.",
        cites="Wald 1945, Statistical Decision Functions Which Minimize the Maximum Risk",
    ),
    AggregatorDef(
        name="pareto",
        params=ParetoParams,
        target="safecompress_core.choose.pareto:Pareto",
        summary="A non-dominated candidate: knee, hypervolume, reference point or TM-score.",
        cites="Das 1999; Branke et al. 2004; Wierzbicki 1980; Beume, Naujoks & Emmerich 2007",
    ),
)
