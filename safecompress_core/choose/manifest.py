"""The five aggregators that core ships: parameters and definitions."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from safecompress_core.api import AggregatorDef, AttackNamesMark, MeasureWeights, Params

__all__ = [
    "DEFINITIONS",
    "ParetoParams",
    "Reference",
    "Risk",
    "SeverityParams",
    "Spread",
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
    measures: MeasureWeights = {}
    """Device measures that count, by metric, each with its weight: the utility that a model loses
    which costs as much as the uncompressed one."""


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
    cost: Annotated[float, Field(gt=0)] | None = None
    """With ``measures``, and only there: the wished-for figure of each, over that of the
    uncompressed model."""


class ParetoParams(Params):
    """Parameters of ``pareto``."""

    pick: Literal["knee", "hypervolume", "reference-point", "tm-score"] = "knee"
    """How one of the non-dominated candidates is picked."""
    reference: Reference | None = None
    """For ``pick: reference-point``, and only there: the wished-for values."""
    exponent: Positive | None = None
    """For ``pick: tm-score``, and only there: λ, 1 where it is left out."""
    measures: MeasureWeights = {}
    """Device measures that are objectives as well, by metric, each with its weight among them."""

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
        if self.reference is not None and (self.reference.cost is None) == bool(self.measures):
            raise ValueError(
                "measures and reference.cost belong together; write both, or leave both out"
            )
        return self


class Spread(Params):
    """A quantity between two ends: uniform, or triangular where ``mode`` is given."""

    low: Annotated[float, Field(ge=0)]
    """The least that it can be."""
    high: float
    """The most that it can be."""
    mode: float | None = None
    """Where it is likeliest."""

    @field_validator("high")
    @classmethod
    def _is_above(cls, high: float, info: ValidationInfo) -> float:
        low = info.data.get("low")
        if low is not None and low >= high:
            raise ValueError(
                f"low: {low:g} is not below high: {high:g}; write low first, or one number alone"
            )
        return high

    @field_validator("mode")
    @classmethod
    def _is_between(cls, mode: float | None, info: ValidationInfo) -> float | None:
        low, high = info.data.get("low"), info.data.get("high")
        if mode is not None and low is not None and high is not None and not low <= mode <= high:
            raise ValueError(f"mode: {mode:g} is outside {low:g} to {high:g}; write one within")
        return mode


Amount = Annotated[
    # 0 is refused: a weight of 0 on the attacker itself says that it does not count.
    Annotated[Positive, Tag("number")] | Annotated[Spread, Tag("spread")],
    # By the kind of the value: pydantic would report the errors of both branches.
    Discriminator(lambda value: "spread" if isinstance(value, Mapping | Spread) else "number"),
]


class Risk(Params):
    """The severity and the commonality of an attack."""

    severity: Amount | None = None
    """The harm where it succeeds, on any scale: a number, a range ``{low: 2, high: 4}``, or a
    triangular distribution ``{low: 0, mode: 1, high: 4}``. By default that of its game, else 1."""
    commonality: Amount | None = None
    """How common the attack is, likewise."""

    @model_validator(mode="after")
    def _says_something(self) -> "Risk":
        if self.severity is None and self.commonality is None:
            raise ValueError("nothing is said of this attack; write severity, commonality or both")
        return self


class SeverityParams(Params):
    """Parameters of ``severity``."""

    performance_weight: Positive = 1.0
    """How much performance counts; all attacks together count 1."""
    attacks: Annotated[dict[str, Risk], Field(min_length=1), AttackNamesMark()]
    """By game, or by attacker's id, which has precedence. An attack that is not named has severity
    1 and commonality 1."""
    draws: Annotated[int, Field(ge=1, le=100_000)] = 2000
    """How often severities and commonalities are drawn."""


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
    AggregatorDef(
        name="severity",
        params=SeverityParams,
        target="safecompress_core.choose.severity:Severity",
        summary="A weighted sum whose weights are severity × commonality, each possibly uncertain.",
        cites="Zhu, Wang & Han 2022 (ASE), section 8",
    ),
)
