"""Models in ``results.json``: sizes, metrics and audits, and how a method arrived at them."""

from collections.abc import Mapping
from typing import Protocol

from pydantic import ConfigDict, JsonValue

from safecompress_core.results.schema.attack_records import AnyAttackRecord
from safecompress_core.results.schema.record import (
    Count,
    EstimateRecord,
    Facts,
    Fraction,
    Record,
)

__all__ = [
    "AuditRecord",
    "AuditedModel",
    "AuditedPart",
    "DefenceRecord",
    "FinishRecord",
    "MethodRecord",
    "ModelAuditRecord",
    "ModelRecord",
    "PhaseRecord",
]


class ModelRecord(Record):
    """Architecture and sizes of a model."""

    architecture: Facts | None = None
    """The model as a spec states it; a student of ``distill`` has its own. Not in an audit."""
    reshaping: Facts | None = None
    """Layers of other shapes: ``widths`` (inputs and outputs by layer) and ``factorised`` (rank by
    layer); empty where there are none. Not in an audit."""
    density: Fraction | None
    """Share of the uncompressed model's sparsifiable weights that is kept: the density that the
    spec asks for. Of an audited state dict the share that is not 0; null where the format of an
    audited model does not show it, as the next four may be."""
    model_density: Fraction | None
    """Share of all parameters of the uncompressed model that is kept; what a gate on
    ``model.density`` refers to."""
    sparsifiable: Fraction | None
    """Share of the uncompressed model's parameters that is sparsifiable; where it is under 0.5,
    tables and gates state both densities."""
    parameters: Count | None
    """Number of parameters of the dense network."""
    active: Count | None
    """Number of parameters that are kept."""
    file_bytes: Count | None
    """Size of the model's file, in bytes; null in an audit of predictions."""
    dense_bytes: Count | None
    """Size of the uncompressed model's file, in bytes; null likewise."""


class AuditRecord(Record):
    """Metrics of a model, and the attacks on it."""

    metrics: Mapping[str, EstimateRecord]
    """By metric, measured on the test set: the non-members of the pool *audit*."""
    audit: Mapping[str, AnyAttackRecord]
    """By the id of the attacker, measured on the pool *audit*."""
    details: Mapping[str, Facts] | None = None
    """By metric, what it states next to its figure; only where a metric states something."""


class ModelAuditRecord(Record):
    """Sizes of a model, its metrics, and the attacks on it."""

    model: ModelRecord
    """Architecture and sizes."""
    metrics: Mapping[str, EstimateRecord]
    """By metric, measured on the test set: the non-members of the pool *audit*."""
    audit: Mapping[str, AnyAttackRecord]
    """By the id of the attacker, measured on the pool *audit*."""
    details: Mapping[str, Facts] | None = None
    """By metric, what it states next to its figure; only where a metric states something."""

    @classmethod
    def of(cls, model: ModelRecord, audit: AuditRecord) -> "ModelAuditRecord":
        """Return a model with its audit; what the audit does not state stays unset."""
        return cls(model=model, **{name: getattr(audit, name) for name in audit.model_fields_set})


class AuditedPart(Protocol):
    """Any part of the results with metrics and attacks."""

    @property
    def metrics(self) -> Mapping[str, EstimateRecord]:
        """By metric."""

    @property
    def audit(self) -> Mapping[str, AnyAttackRecord]:
        """By the id of the attacker."""


class AuditedModel(AuditedPart, Protocol):
    """Any part of the results with the sizes of a model as well."""

    @property
    def model(self) -> ModelRecord:
        """Architecture and sizes."""


class PhaseRecord(Record):
    """A phase of a method.

    Further keys depend on the phase. *prune gradually*: ``steps`` (each with ``epoch`` and
    ``density``). *ADMM*: ``residuals`` (each with ``epoch`` and the share of the weights' norm that
    pruning would remove then). *quantise*: ``error``, the norm of the rounding error over that of
    the weights. *factorise and fine-tune*: share of ``energy`` kept and ``ranks``, by layer.
    *remove channels and fine-tune*: ``channels`` by layer, after and before. *distil*, of
    `soft-tree`: ``tree``, with ``shares``, ``labels`` and ``confidences`` by leaf, and ``inputs``,
    the input of the largest weight, by inner node.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    name: str
    """Name of the phase."""
    epochs: Count
    """Passes over the members in it."""
    density: Fraction
    """Density at its end."""


class FinishRecord(Record):
    """A stage between training and the model file."""

    type: str
    """The finisher, as a spec names it."""
    facts: Facts
    """Facts of this finisher alone. ``quantize``, ``cluster``, ``cast``: ``error``, the norm of
    the change of the weights over that of the weights."""


class MethodRecord(Record):
    """Method, phases and facts behind the chosen model."""

    type: str
    """The method, as a spec names it."""
    epochs: Count
    """Epochs that the weights of the chosen model were trained for."""
    phases: tuple[PhaseRecord, ...]
    """Phases in their order; empty for ``test-driven`` and ``uncompressed``, which have none."""
    facts: Facts
    """Facts of this method alone. ``n-m``: ``dense_layers``, the weights that m does not divide.
    ``lottery``: ``rewound_to``, an epoch. ``distill``: ``teacher`` and ``teacher_epochs``. Sparse
    training from inherited weights: ``inherited_epochs`` of the uncompressed model.
    ``test-driven``, ``rigl`` and ``set``: ``explored``, the share of all sparsifiable weights that
    have ever been active. All sparse training: ``layers``, each with ``name``,
    ``density`` and ``erdos_renyi``, the density that an Erdős–Rényi kernel topology of the same
    total has there; null where it would empty a layer."""
    finish: tuple[FinishRecord, ...] = ()
    """What the chosen model went through before it was stored, in order."""


class DefenceRecord(Record):
    """Facts that a defence reports.

    Further keys depend on the defence. ``dp-sgd``: ``epsilon`` (null without a guarantee: for a
    model that tests on members have chosen, or that was trained without noise), ``delta``,
    ``noise_multiplier``, ``clipping_norm``, ``steps``, ``views``, ``sampling_rate``,
    ``accountant``, ``history``. ``early-stopping``: ``epochs``, ``best_epoch``, ``reference_loss``.
    ``split-distillation``: ``models``, ``left_out``, and ``epochs``, the passes over the members of
    all its models together.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    text: str | None = None
    """The facts as a sentence for the report; only where a defence has one."""
