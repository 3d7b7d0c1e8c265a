"""Names and parameters of the built-in metrics."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from safecompress_core.api import WHITE_BOX, MetricDef, NamedParams, Params

__all__ = [
    "DEFINITIONS",
    "AccuracyParams",
    "FileBytesParams",
    "LatencyParams",
    "MacsParams",
    "PeakMemoryParams",
]

BatchSize = Annotated[int, Field(ge=1, le=65_536)]

FEWEST_FOR_P95 = 72
"""The interval of a 95th percentile has an upper end if 0.95ⁿ ≤ 0.025."""


class AccuracyParams(Params):
    """Accuracy on samples that the model was not trained on."""


class FileBytesParams(Params):
    """Bytes of the model file."""


class MacsParams(NamedParams):
    """Multiply-accumulates of one sample."""

    weights: Literal["all", "active"] = "all"
    """``all``: what dense kernels do. ``active``: of linear and convolution layers only the active
    weights, what a sparse kernel has to do at least."""


class LatencyParams(NamedParams):
    """Duration of a forward pass."""

    batch: BatchSize = 1
    """Samples of a call."""
    repeats: Annotated[int, Field(ge=20, le=100_000)] = 100
    """Timed calls, after a few that are not; at least 72 for ``p95``."""
    statistic: Literal["median", "p95"] = "median"
    """The median of the calls, or their 95th percentile."""

    @model_validator(mode="after")
    def _suffices_for_its_interval(self) -> Self:
        if self.statistic == "p95" and self.repeats < FEWEST_FOR_P95:
            raise ValueError(
                f"{self.repeats} calls bound no 95th percentile; write repeats: {FEWEST_FOR_P95} "
                "or more"
            )
        return self


class PeakMemoryParams(NamedParams):
    """Memory of a forward pass."""

    batch: BatchSize = 1
    """Samples of a pass."""


DEFINITIONS = (
    MetricDef(
        name="accuracy",
        params=AccuracyParams,
        target="safecompress_plugins.metrics.accuracy:Accuracy",
        summary="Share of unseen samples that the model classifies correctly.",
        lowest=0,
        highest=1,
    ),
    MetricDef(
        name="file-bytes",
        params=FileBytesParams,
        target="safecompress_plugins.metrics.file_bytes:FileBytes",
        summary="Bytes of the stored model: active weights, their positions, all dense tensors.",
        higher_is_better=False,
        lowest=1,
    ),
    MetricDef(
        name="macs",
        params=MacsParams,
        target="safecompress_plugins.metrics.macs:Macs",
        summary="Multiply-accumulates of one sample, in matrix products and convolutions.",
        needs=WHITE_BOX,
        higher_is_better=False,
        lowest=0,
    ),
    MetricDef(
        name="peak-memory",
        params=PeakMemoryParams,
        target="safecompress_plugins.metrics.peak_memory:PeakMemory",
        summary="Most bytes that weights, inputs and results of layers hold at a time.",
        needs=WHITE_BOX,
        higher_is_better=False,
        lowest=1,
    ),
    MetricDef(
        name="latency",
        params=LatencyParams,
        target="safecompress_plugins.metrics.latency:Latency",
        summary="Milliseconds of a forward pass on this machine; no two runs measure the same.",
        higher_is_better=False,
        lowest=0,
    ),
)
