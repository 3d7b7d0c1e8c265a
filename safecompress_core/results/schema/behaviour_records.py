"""Behaviours of a model in ``results.json``: what compression changed, next to training noise."""

from typing import Literal

from safecompress_core.results.schema.record import EstimateRecord, Record

__all__ = ["UNDECIDED", "BehaviourRecord", "ChangeVerdict"]

ChangeVerdict = Literal[
    "changed beyond training noise",
    "within noise",
    "cannot tell",  # codespell:ignore tell
]
UNDECIDED: ChangeVerdict = "cannot tell"  # codespell:ignore tell
"""Verdict where too few models show the noise."""


class BehaviourRecord(Record):
    """A figure before and after compression."""

    name: str
    """The metric; of an attack ``<attacker>.<measure>``."""
    kind: Literal["metric", "attack"]
    """Kind of the component that measured it."""
    higher: Literal["better", "worse"]
    """What a higher figure says of the model."""
    before: EstimateRecord
    """The figure of the uncompressed model."""
    after: EstimateRecord
    """The figure of the compressed model."""
    change: EstimateRecord
    """``after`` less ``before``. Its interval pairs the samples where the figure is a statistic of
    samples; of an attack, of a latency and the like both intervals are combined."""
    retrained: tuple[EstimateRecord, ...]
    """The figure of each re-trained uncompressed model less ``before``, likewise."""
    relative: bool
    """Whether the figure compares a model with the uncompressed one."""
    verdict: ChangeVerdict
    """``within noise``: the interval of the change covers 0, or a re-trained model differs as much.
    ``changed beyond training noise``: neither, and ``after`` is outside of the 95 % interval of one
    more uncompressed model. The third: anything else."""
