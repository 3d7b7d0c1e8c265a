"""Rounds of candidates in ``results.json``: tests, choices, archive, and what selection missed."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from safecompress_core.results.schema.attack_records import AnyAttackRecord
from safecompress_core.results.schema.model_records import AuditRecord, DefenceRecord
from safecompress_core.results.schema.record import (
    Count,
    EstimateRecord,
    Facts,
    Fraction,
    Interval,
    Record,
)

__all__ = [
    "ArchiveRecord",
    "CandidateRecord",
    "DepartureRecord",
    "GapRecord",
    "GapSideRecord",
    "ObjectiveSpreadRecord",
    "RoundRecord",
    "SelectingAttackerRecord",
    "SelectionRecord",
    "SettingsRecord",
]


class SettingsRecord(Record):
    """Settings that a model is trained with."""

    learning_rate: float
    """Learning rate, > 0."""
    density: Fraction
    """Fraction of the sparsifiable weights that training keeps: at most the ``density`` of the
    method, and of the model that the candidate was derived from."""
    update_fraction: Fraction
    """Share of the active weights that a topology update replaces."""
    rule: Count
    """Index of the strategy in the spec that updates the topology, from 0."""
    defences: Mapping[str, Facts]
    """Parameters of the defences, by id."""
    layers: Mapping[str, float] = Field(default_factory=dict)
    """By name of a layer's weight, the factor of its share of all active weights, over that of the
    first topology's rule; 1 for layers that are not named."""


class DepartureRecord(Record):
    """Why a lineage left the race, or a trial of a search ended."""

    reason: Literal["outranked", "dominated", "pruned"]
    """``outranked``: others won more pairwise comparisons, and the next round trains fewer
    lineages. ``dominated``: another one was significantly better in every objective. ``pruned``:
    the pruner of a search ended the trial before its last epoch."""
    by: str | None
    """Id of the model that it lost to; of several the one that ranks highest. Null for a pruned
    trial, which is compared with all trials before it."""
    decided_by: Literal["utility", "performance", "cost", "index", "field"]
    """What decided between the two: their utilities, where an attack distinguished them; else the
    task, then the number of weights, then the order. ``field`` if it lost to none of those that
    stay, but has fewer wins, or smaller margins, over the whole field."""


class CandidateRecord(Record):
    """A model that a round tests: a lineage, or a candidate that was derived from one."""

    id: str
    """``r3c2`` is the second model of round 3; of a search it is trial 2 at its third report."""
    lineage: Count
    """Number of its lineage, or of the trial of a search, from 1: the first has the settings of the
    spec."""
    parent: str
    """Id of the model that it comes from; ``initial`` in the first round."""
    strategy: str
    """Change that was made to the parent; of a lineage that is tested as it is, what distinguishes
    it from the spec. The first model of a round is the incumbent of derived candidates."""
    start: Literal["random", "inherit", "pretrained"]
    """Source of the lineage's first weights."""
    settings: SettingsRecord
    """Settings of training from here on."""
    density: Fraction
    """As in ``model``."""
    defences: Mapping[str, DefenceRecord]
    """Facts that its defences report, by id."""
    attacks: Mapping[str, AnyAttackRecord]
    """By the id of the attacker, measured on the pool *select*."""
    objectives: Mapping[str, float]
    """``performance`` and, by the id of the attacker, the advantage that counts (2·AUC − 1 where
    ``selection.statistic`` is ``auc`` and the attack is on membership): fractions in [0, 1]. By the
    id of a metric in ``selection.measures``, its figure over that of the uncompressed model."""
    utility: float
    """Value that the aggregator gives these objectives; higher is better."""
    win_share: Fraction | None = None
    """Share of the draws of uncertain weights in which it has the largest utility of its round;
    null for an aggregator whose weights are certain."""
    difference: float
    """Utility less that of the incumbent."""
    difference_interval: Interval
    """Interval of ``difference``, simultaneous for all candidates of the round, at the
    ``confidence`` of the method."""
    significant: bool
    """Whether it is better than the incumbent at that confidence: in utility, or in every
    objective."""
    chosen: bool
    """Whether the next round continues with it."""
    left: DepartureRecord | None
    """Why the lineage left the race, or the trial ended; null while it stays, and for candidates of
    one lineage."""


class ObjectiveSpreadRecord(Record):
    """Differences of a round's candidates in one objective, and the noise of the test."""

    spread: float
    """Standard deviation over the candidates, ≥ 0, in the unit of the objective."""
    noise: float
    """Standard error of a candidate's difference to the incumbent, ≥ 0, in the same unit."""
    tells_apart: bool
    """Whether the spread is larger than the noise; if not, a choice by this objective is random."""


class RoundRecord(Record):
    """A round of a method that tests candidates; of a search, all trials at one report."""

    round: Count
    """Number of the round, from 1."""
    epochs: Count
    """Epochs that its models have been trained for at its end."""
    lineages: Count
    """Lineages that it trains."""
    trainings: float
    """Cost of its training in trainings of one model, ≥ 0, swap twins included."""
    candidates: tuple[CandidateRecord, ...]
    """All models that it tests, the incumbent first."""
    spread: Mapping[str, ObjectiveSpreadRecord]
    """By objective."""


class ArchiveRecord(Record):
    """A model that no other model of the run dominates."""

    id: str
    """Id of the candidate."""
    strategy: str
    """As in the candidate."""
    settings: SettingsRecord
    """As in the candidate."""
    objectives: Mapping[str, float]
    """As in the candidate."""
    defences: Mapping[str, DefenceRecord]
    """As in the candidate."""
    chosen: bool
    """Whether it is the model that the run chose."""
    file: str
    """Path of its file in the run directory."""
    file_bytes: Count
    """Size of this file, in bytes."""
    win_share: Fraction | None = None
    """Share of the draws of uncertain weights in which it has the largest utility of the archive;
    null for an aggregator whose weights are certain."""
    metrics: Mapping[str, EstimateRecord] | None = None
    """By metric, on the test set; only where ``audit.front`` of the spec has it audited."""
    audit: Mapping[str, AnyAttackRecord] | None = None
    """By the id of the attacker, on the pool *audit*; only where it was audited."""

    @property
    def audited(self) -> AuditRecord | None:
        """Metrics and audit; None where it was not audited."""
        # Both or neither: an archive model is audited as a whole.
        if self.metrics is None or self.audit is None:
            return None
        return AuditRecord(metrics=self.metrics, audit=self.audit)


class SelectingAttackerRecord(Record):
    """An attacker that tests candidates."""

    game: str
    """Game that it plays."""
    access: str
    """Access to the model that it has."""
    weight: float
    """Weight of its advantage among the objectives, ≥ 0."""


class SelectionRecord(Record):
    """Metric, attackers and bound behind the objectives of rounds and archive."""

    performance: str
    """Metric that is the objective ``performance``."""
    attackers: Mapping[str, SelectingAttackerRecord]
    """Attackers that tested candidates, by id."""
    bound: Literal["careful", "estimate"] | None
    """``careful``: the upper end of an advantage's interval is the objective; ``estimate``: the
    advantage itself. Null for a method that does not state it."""
    statistic: Literal["auc", "advantage"] | None
    """``auc``: an attack on membership counts with 2·AUC − 1; ``advantage``: with the advantage at
    its threshold. Null for a method that does not state it."""
    also_audit: tuple[str, ...]
    """Ids in the audit of attackers that selected as well (``allow_selectors`` of the spec); their
    measures there are too low."""
    measures: Mapping[str, float] = Field(default_factory=dict)
    """Device measures that are objectives as well, by metric, each with its weight in ``choose``,
    > 0."""


class GapSideRecord(Record):
    """The strongest attack of a game in one of the pools."""

    attacker: str
    """Its id."""
    advantage: Fraction
    """Its advantage."""
    advantage_interval: Interval
    """95 % interval of ``advantage``."""
    outdone_by: str | None = None
    """As in the attack; only in ``select``."""


class GapRecord(Record):
    """Advantage on the chosen model as selection measured it and as the audit does, for a game."""

    select: GapSideRecord
    """Strongest attack on the pool *select*."""
    audit: GapSideRecord
    """Strongest attack on the pool *audit*."""
    gap: float
    """The audit's advantage less that of ``select``, in [−1, 1]."""
    gap_interval: Interval
    """95 % interval of ``gap``."""
    selection: Literal["understated", "overstated", "agrees"]
    """Whether selection understated or overstated the leak; ``agrees`` where ``gap_interval``
    covers 0."""
