"""Top level of ``results.json``, of a run or of the audit of a finished model."""

from collections.abc import Mapping
from typing import Literal

from safecompress_core.results.schema.attack_records import AnyAttackRecord
from safecompress_core.results.schema.behaviour_records import BehaviourRecord
from safecompress_core.results.schema.blind_record import BlindBaselineRecord
from safecompress_core.results.schema.game_records import GameRecord
from safecompress_core.results.schema.model_records import (
    DefenceRecord,
    MethodRecord,
    ModelAuditRecord,
    ModelRecord,
)
from safecompress_core.results.schema.record import (
    Count,
    EstimateRecord,
    Facts,
    Fraction,
    Interval,
    Record,
    Sha256,
)
from safecompress_core.results.schema.risk_records import RecordRisksRecord
from safecompress_core.results.schema.round_records import (
    ArchiveRecord,
    GapRecord,
    RoundRecord,
    SelectionRecord,
)

__all__ = [
    "VERSION",
    "AttributeCountsRecord",
    "ControlRecord",
    "ControlsRecord",
    "DataRecord",
    "EarlierFigureRecord",
    "GateOutcomeRecord",
    "GateRecord",
    "OriginRecord",
    "PoolRecord",
    "ReferencesRecord",
    "Results",
    "SecondsRecord",
    "ValueCountRecord",
]

VERSION = 1
"""Of the format of ``results.json``."""


class OriginRecord(Record):
    """The model that an audit is about."""

    file: str
    """Path of its file or folder, as it was given."""
    format: str
    """Format of the file."""
    access: str
    """Access that the format gives to attackers."""
    answers: str
    """Outputs of the model: logits, probabilities or the like, from the spec."""
    sha256: Sha256
    """SHA-256 of its content."""


class ControlRecord(Record):
    """A membership attack where the right result is known in advance."""

    auc: Fraction
    """Area under the ROC curve."""
    auc_interval: Interval
    """99.9 % interval of ``auc``."""
    passed: bool
    """``null``: whether the interval covers 0.5. ``planted``: whether it lies above 0.5."""
    members: Count
    """Members that the attack was evaluated on."""
    non_members: Count
    """Non-members that it was evaluated on."""


class ControlsRecord(Record):
    """Controls on the chosen model.

    One that failed voids the verdict, as a shift in ``blind_baseline`` does: report and terminal
    say VOID, and the exit code is 1.
    """

    null: Mapping[str, ControlRecord]
    """By membership attack of the audit: the attack on a random membership of non-members, where
    there is nothing to find."""
    planted: Mapping[str, ControlRecord]
    """By membership attack of the audit: the attack on a copy of the model that leaks membership
    in its output."""


class ReferencesRecord(Record):
    """Reference models of the audit."""

    models: Count
    """Number that the chosen model is compared with; the uncompressed one has as many."""
    method: Literal["replay", "rerun", "train", "given"]
    """Training of those of the chosen model. ``replay``: as the chosen model was trained, its
    settings round by round. ``rerun``: by the whole method, its selection included. In an audit,
    ``train``: by a function of the owner; ``given``: they were there already."""


class GateOutcomeRecord(Record):
    """Result of a gate for the uncompressed model."""

    value: float
    """Estimate, in the unit of the measure."""
    held: float
    """What was compared with the bound: the careful end of the interval, or the estimate."""
    passed: bool
    """Whether the bound is met."""


class EarlierFigureRecord(Record):
    """The figure of an earlier run or audit that a relative gate compares with.

    Of a whole game's measure it is that of the same attack or of the earlier results' worst one,
    whichever comparison is more certain.
    """

    name: str
    """Name of the earlier run or audit."""
    sha256: Sha256
    """SHA-256 of its ``results.json``."""
    value: float
    """Its estimate, in the unit of the measure."""
    interval: Interval
    """95 % interval of ``value``."""
    attacks: tuple[str, str] | None
    """Attack of these results and attack of the earlier ones that are compared; null for a measure
    of no attack."""
    worse_by: float
    """How much worse the measure is than the earlier figure, in its unit; negative where it is
    better."""
    worse_by_interval: Interval
    """95 % interval of ``worse_by``."""
    paired: bool
    """Whether that interval is of the differences sample by sample; if not, it is made of both
    intervals, as for independent samples."""


class GateRecord(Record):
    """A gate of the spec, and its result."""

    measure: str
    """Measure, from the spec."""
    at_least: float | None
    """Lower bound, from the spec; null where the gate has another one."""
    at_most: float | None
    """Upper bound, from the spec; null where the gate has another one."""
    no_worse_than: str | None = None
    """File of earlier results that bound the measure, from the spec; only in a relative gate."""
    margin: float | None = None
    """How much worse than these it may be, from the spec, in the unit of the measure; only in a
    relative gate."""
    earlier: EarlierFigureRecord | None = None
    """The figure of these results; only in a relative gate."""
    against: Literal["interval", "estimate"]
    """What is compared with the bound, from the spec."""
    value: float
    """Estimate, in the unit of the measure; of a whole game's measure, that of the worst attack."""
    held: float
    """What was compared with the bound: the careful end of the interval, or the estimate; in a
    relative gate, of ``worse_by``, which is compared with ``margin``."""
    passed: bool
    """Whether the bound is met."""
    baseline: GateOutcomeRecord | None
    """The same for the uncompressed model; null in an audit, and in a relative gate."""


class ValueCountRecord(Record):
    """Number of samples with one value."""

    name: str
    """Name of the value."""
    samples: Count
    """Samples that have it."""


class AttributeCountsRecord(Record):
    """A private attribute of the data."""

    name: str
    """Name of the attribute."""
    values: tuple[ValueCountRecord, ...]
    """Its values, with their numbers of samples."""


class DataRecord(Record):
    """Contents of the data set, and what was done to it on loading."""

    samples: Count
    """Number of samples."""
    input_shape: tuple[int, ...]
    """Shape of a sample's input."""
    labels: tuple[ValueCountRecord, ...]
    """Task labels, with their numbers of samples."""
    attributes: tuple[AttributeCountsRecord, ...]
    """Private attributes."""
    notes: tuple[str, ...]
    """What was done on loading."""
    warnings: tuple[str, ...]
    """What is questionable about the data."""


class PoolRecord(Record):
    """A pool of samples."""

    members: Count
    """Number of members."""
    non_members: Count
    """Number of non-members."""
    fingerprint: Sha256
    """SHA-256 of the samples in it."""


class SecondsRecord(Record):
    """Duration of the work by phase, in seconds.

    Of a resumed run, ``baseline`` and ``compress`` count earlier attempts too, up to the last
    checkpoint of each, as do their CPU times; ``references`` and ``audit`` count the last attempt
    alone.
    """

    baseline: float | None = None
    """Training of the uncompressed model. Not in an audit."""
    compress: float | None = None
    """Work of the method; 0 where the method is the uncompressed training. Not in an audit."""
    baseline_cpu: float | None = None
    """CPU time of ``baseline`` over all threads; it depends less on what else the machine does."""
    compress_cpu: float | None = None
    """CPU time of ``compress`` likewise."""
    retrained: float | None = None
    """Training of uncompressed models of other seeds; only where the spec asks for some."""
    references: float | None = None
    """Training of reference models; only where the audit has some."""
    audit: float
    """Attacks of the audit."""
    total: float
    """Sum of the phases, without CPU times."""


class Results(Record):
    """Content of ``results.json``.

    Rates, densities and advantages are fractions; an interval is a list of its low and its high
    end, at 95 % unless stated otherwise.
    """

    version: Literal[1]
    """Version of this format."""
    name: str
    """Name of the run, from the spec."""
    seed: int
    """Seed of the run, from the spec."""
    origin: OriginRecord | None = None
    """The audited model; only in an audit."""
    model: ModelRecord
    """Sizes of the chosen model."""
    metrics: Mapping[str, EstimateRecord]
    """By metric, of the chosen model, measured on the test set: the non-members of the pool
    *audit*."""
    audit: Mapping[str, AnyAttackRecord]
    """Attacks on the chosen model, by the id of the attacker, measured on the pool *audit*."""
    details: Mapping[str, Facts] | None = None
    """By metric, what it states next to its figure; only where a metric states something."""
    baseline: ModelAuditRecord | None
    """The uncompressed model, trained on the same members; null in an audit, which has none."""
    retrained: tuple[ModelAuditRecord, ...] | None = None
    """Uncompressed models of other seeds, trained on the same members; only where
    ``baseline.retrained`` of the spec asks for some."""
    behaviours: tuple[BehaviourRecord, ...] | None = None
    """What compression changed: a row a metric and an attack. Not in an audit."""
    unfinished: ModelAuditRecord | None = None
    """The chosen model before its finishers; only where the spec has some. Reference models are
    those of the finished one."""
    controls: ControlsRecord
    """Attacks whose right result is known in advance."""
    records: RecordRisksRecord | None = None
    """Risk record by record, of the chosen model; only where an attack on membership is audited."""
    blind_baseline: BlindBaselineRecord | None = None
    """Members against non-members without the model."""
    references: ReferencesRecord | None = None
    """Reference models; only where an attack of the audit compares with some."""
    swap_test: AnyAttackRecord | None = None
    """The audited model compared with its swap twin, trained with members and non-members of the
    audit pool exchanged: the owner's own measure, which no adversary can make; only in an audit
    whose spec says how to train."""
    archive: tuple[ArchiveRecord, ...]
    """Models that no other model of the run dominates. The chosen model is among them unless
    another one dominates it. Empty for a method that tests nothing."""
    method: MethodRecord | None
    """How the chosen model came about; null in an audit."""
    defences: Mapping[str, DefenceRecord]
    """Facts that the chosen model's defences report, by id, where they report any."""
    rounds: tuple[RoundRecord, ...]
    """Candidates and choices, round by round; empty for a method without rounds."""
    selection: SelectionRecord
    """Meaning of the objectives of rounds and archive."""
    attacks: Mapping[str, str]
    """One-line summary of each attacker, in selection and audit, by its type."""
    games: Mapping[str, GameRecord] | None = None
    """By name, each game that a plugin registers; only where an attack plays one."""
    selection_gap: Mapping[str, GapRecord]
    """By game, the advantage as selection measured it and as the audit does; empty for a method
    that chose nothing."""
    gate: tuple[GateRecord, ...]
    """Gates, in the order of the spec."""
    data: DataRecord
    """The data set."""
    pools: Mapping[str, PoolRecord]
    """By pool: ``attack_train``, ``select``, ``audit`` and, where the spec has some,
    ``canaries``."""
    files: Mapping[str, Sha256]
    """SHA-256 of each model file, by its path in the run directory."""
    seconds: SecondsRecord
    """Duration of the work, in seconds."""
