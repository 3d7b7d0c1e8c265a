"""Schema of ``export.json``: what was exported, and what was measured on the file."""

from collections.abc import Mapping
from typing import Final, Literal

from safecompress_core.results.schema.blind_record import BlindBaselineRecord
from safecompress_core.results.schema.record import (
    Count,
    EstimateRecord,
    Facts,
    Fraction,
    Interval,
    Record,
    Sha256,
)

__all__ = [
    "EXPORT_VERSION",
    "AgreementRecord",
    "ExportLatencyRecord",
    "ExportRecord",
    "ExportedAttackRecord",
    "PairedRecord",
]

EXPORT_VERSION: Final = 1
"""Of the schema; raised by a change that breaks its readers."""


class PairedRecord(Record):
    """One measure of the compressed model and of the exported file, on the same samples."""

    compressed: EstimateRecord
    """Of the compressed model."""
    exported: EstimateRecord
    """Of the exported file."""
    difference: float
    """Exported minus compressed."""
    interval: Interval | None
    """95 % interval of ``difference``, by the paired bootstrap; null for a game whose result is no
    mean over the samples of the pool."""


class AgreementRecord(Record):
    """Answers of the exported file next to those of the compressed model, on the audit pool."""

    samples: Count
    """Samples that both were asked about."""
    agreement: Fraction
    """Share of these with the same most likely label; ties do not count as different."""
    ties: Count
    """Samples with another label whose two largest logits differ by less than ``tolerance``."""
    least_agreement: Fraction
    """The smallest ``agreement`` that was accepted."""
    largest_difference: float
    """Largest absolute difference of a logit."""
    mean_difference: float
    """Mean absolute difference of the logits."""
    tolerance: float | None
    """The largest ``largest_difference`` that was accepted; null for any."""
    passed: bool
    """Whether both are as accepted. An export that did not pass is not kept."""


class ExportedAttackRecord(Record):
    """An attack of the audit, run again on the exported file."""

    game: str
    """Game that the attack plays."""
    advantage: PairedRecord
    """Gain over the best guess without the model; fractions in [0, 1]."""
    auc: PairedRecord | None
    """Area under the ROC curve of an attack on membership, else null; fractions in [0, 1]."""


class ExportLatencyRecord(Record):
    """Time of one call."""

    batch: Count
    """Samples in the call."""
    median: float
    """Median over calls, in seconds."""
    p95: float
    """95th percentile over calls, in seconds."""


class ExportRecord(Record):
    """The content of ``export.json``."""

    version: Literal[1]
    """Version of this schema."""
    name: str
    """Name of the run."""
    run: str
    """Name of the run's directory."""
    model: str
    """The exported model: its file in the run's directory, or its path."""
    model_sha256: Sha256
    """SHA-256 of that file."""
    format: str
    """Format of the export."""
    parameters: Facts
    """Parameters of the exporter."""
    packages: Mapping[str, str]
    """Version of every distribution that took part; the first computes the file's answers."""
    input_shape: tuple[int, ...]
    """Shape of one sample."""
    input_dtype: str
    """Type of the numbers in a sample."""
    classes: tuple[str, ...]
    """Names of the labels, in the order of the logits."""
    guard: str | None
    """Defence whose output guard is part of the file; null without one."""
    files: Mapping[str, Sha256]
    """SHA-256 of every file of the model, by its path in the export."""
    file_bytes: Count
    """Bytes of these files."""
    compressed_bytes: Count
    """Bytes of the exported model's own file, which stores active weights only."""
    agreement: AgreementRecord
    """Answers on the audit pool."""
    metric: str
    """The metric that counts as performance in the run."""
    performance: PairedRecord
    """That metric, on the audit pool's non-members."""
    attacks: Mapping[str, ExportedAttackRecord]
    """Attacks of the audit that need no more than answers to inputs of the adversary's choosing, by
    name, run again with the same seeds."""
    not_repeated: Mapping[str, str]
    """The other attacks of the audit, and what each needs that a file does not give."""
    blind_baseline: BlindBaselineRecord | None = None
    """Members against non-members of the audit pool without the model, from the run."""
    macs: Count
    """Multiply-accumulates of a forward pass for one sample with dense kernels."""
    threads: Count
    """Threads that computed the answers."""
    processor: str
    """Processor of the machine that measured the latency."""
    latency: tuple[ExportLatencyRecord, ...]
    """Of the exported file, by size of the batch."""
    torch_latency: tuple[ExportLatencyRecord, ...]
    """Of the same network in torch, dense."""
