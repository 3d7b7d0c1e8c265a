"""Names and parameters of the built-in metrics."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from safecompress_core.api import (
    GRAY_BOX,
    LABEL_ONLY,
    WHITE_BOX,
    AttributeName,
    Kind,
    MetricDef,
    NamedParams,
    Need,
    Params,
    Slot,
)

__all__ = [
    "DEFINITIONS",
    "AccuracyParams",
    "AttributionAgreementParams",
    "BrierParams",
    "CalibrationErrorParams",
    "CorruptionParams",
    "DemographicParityParams",
    "EqualisedOddsParams",
    "FileBytesParams",
    "FlipsParams",
    "GeneralisationGapParams",
    "LatencyParams",
    "MacsParams",
    "OutOfDistributionParams",
    "PeakMemoryParams",
    "SharpnessParams",
    "WorstGroupParams",
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


class GeneralisationGapParams(Params):
    """Accuracy on members less accuracy on non-members."""


class CalibrationErrorParams(NamedParams):
    """Distance of confidence and accuracy."""

    bins: Annotated[int, Field(ge=2, le=1000)] = 15
    """Bins of equal width that samples are put into by their confidence."""


class BrierParams(Params):
    """Squared distance of posteriors from labels."""


class WorstGroupParams(NamedParams):
    """Accuracy of the group with the lowest one."""

    attribute: AttributeName | None = None
    """The attribute that groups have in common, a private one as well; by default the task's
    label."""


class _ParityParams(NamedParams):
    """Differences between groups of an attribute."""

    attribute: AttributeName
    """The attribute that groups have in common."""
    positive: str | None = None
    """The label whose answers are compared; by default the second of two, else each of them."""


class DemographicParityParams(_ParityParams):
    """Differences between groups in how often a label is answered."""


class EqualisedOddsParams(_ParityParams):
    """Differences between groups in true and false positive rates."""


class FlipsParams(Params):
    """Samples that both models answer differently."""

    listed: Annotated[int, Field(ge=0, le=100_000)] = 200
    """The most flipped samples that results list, by their position in the data set."""


class SharpnessParams(NamedParams):
    """Largest eigenvalue of the loss's Hessian."""

    samples: Annotated[int, Field(ge=1, le=100_000)] = 256
    """The most members of the audit pool that the loss is of."""
    iterations: Annotated[int, Field(ge=1, le=10_000)] = 100
    """The most products with the Hessian of one power iteration."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.0001
    """Relative change of the eigenvalue at which the iteration ends."""
    memory: Annotated[int, Field(ge=1)] | None = None
    """The most memory that it may take, in MiB; by default all that is left."""


class CorruptionParams(NamedParams):
    """Accuracy on corrupted inputs."""

    kind: Literal["noise", "blur", "contrast"]
    """What is done to the inputs, at five levels: Gaussian noise, Gaussian blur of images, or less
    contrast."""


class OutOfDistributionParams(NamedParams):
    """Detection of samples of another data set."""

    data: Annotated[Params, Slot(Kind.DATA)]
    """The other data set, of samples of the same shape."""
    score: Literal["confidence", "energy"] = "confidence"
    """What is higher for samples of the task: the largest posterior, or the logarithm of the sum of
    the exponentials of the logits."""
    samples: Annotated[int, Field(ge=10, le=100_000)] = 1000
    """The most samples of the other data set, drawn by the seed."""


class AttributionAgreementParams(NamedParams):
    """Agreement of attributions before and after compression."""

    method: Literal["integrated-gradients", "saliency", "gradcam"] = "integrated-gradients"
    """How answers are attributed to inputs: ``gradcam`` to the last convolution. Where inputs are
    token ids, their embeddings are attributed to."""
    agreement: Literal["rank", "top-k"] = "rank"
    """Spearman's correlation, or the overlap of the largest attributions."""
    top: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the attributions that ``top-k`` looks at."""
    samples: Annotated[int, Field(ge=2, le=100_000)] = 64
    """The most non-members of the audit pool whose answers are attributed."""
    steps: Annotated[int, Field(ge=2, le=1000)] = 32
    """Steps of the integral of ``integrated-gradients``."""


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
        is_exact=True,
        lowest=1,
    ),
    MetricDef(
        name="macs",
        params=MacsParams,
        target="safecompress_plugins.metrics.macs:Macs",
        summary="Multiply-accumulates of one sample, in matrix products and convolutions.",
        needs=WHITE_BOX,
        higher_is_better=False,
        is_exact=True,
        lowest=0,
    ),
    MetricDef(
        name="peak-memory",
        params=PeakMemoryParams,
        target="safecompress_plugins.metrics.peak_memory:PeakMemory",
        summary="Most bytes that weights, inputs and results of layers hold at a time.",
        needs=WHITE_BOX,
        higher_is_better=False,
        is_exact=True,
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
    MetricDef(
        name="generalisation-gap",
        params=GeneralisationGapParams,
        target="safecompress_plugins.metrics.generalisation:GeneralisationGap",
        summary="Accuracy on members of the audit pool less that on non-members.",
        cites="Yeom et al. 2018, section 3.2",
        higher_is_better=False,
        lowest=-1,
        highest=1,
    ),
    MetricDef(
        name="calibration-error",
        params=CalibrationErrorParams,
        target="safecompress_plugins.metrics.calibration:CalibrationError",
        summary="Mean distance of confidence and accuracy over bins of equal width (ECE).",
        cites="Guo et al. 2017, equation 3",
        higher_is_better=False,
        lowest=0,
        highest=1,
    ),
    MetricDef(
        name="brier",
        params=BrierParams,
        target="safecompress_plugins.metrics.calibration:Brier",
        summary="Mean squared distance of the posteriors from the label.",
        cites="Brier 1950",
        higher_is_better=False,
        lowest=0,
        highest=2,
    ),
    MetricDef(
        name="worst-group",
        params=WorstGroupParams,
        target="safecompress_plugins.metrics.groups:WorstGroup",
        summary="Lowest accuracy of a group, by task label or by an attribute.",
        cites="Sagawa et al. 2020, section 2",
        lowest=0,
        highest=1,
    ),
    MetricDef(
        name="demographic-parity",
        params=DemographicParityParams,
        target="safecompress_plugins.metrics.fairness:DemographicParity",
        summary="Largest difference between groups in how often a label is answered.",
        cites="Dwork et al. 2012, section 3",
        higher_is_better=False,
        lowest=0,
        highest=1,
    ),
    MetricDef(
        name="equalised-odds",
        params=EqualisedOddsParams,
        target="safecompress_plugins.metrics.fairness:EqualisedOdds",
        summary="Largest difference between groups in a true or false positive rate.",
        cites="Hardt, Price & Srebro 2016, definition 2.1",
        higher_is_better=False,
        lowest=0,
        highest=1,
    ),
    MetricDef(
        name="flips",
        params=FlipsParams,
        target="safecompress_plugins.metrics.flips:Flips",
        summary="Share of samples that the uncompressed model answers differently.",
        cites="Hooker et al. 2019, section 2.2",
        needs=LABEL_ONLY | {Need.UNCOMPRESSED},
        higher_is_better=False,
        lowest=0,
        highest=1,
    ),
    MetricDef(
        name="sharpness",
        params=SharpnessParams,
        target="safecompress_plugins.metrics.sharpness:Sharpness",
        summary="Largest eigenvalue of the Hessian of the loss on members, of active weights.",
        cites="Keskar et al. 2017, section 2.2.1; Yao et al. 2020, section 3.1",
        needs=WHITE_BOX,
        higher_is_better=False,
    ),
    MetricDef(
        name="corruption",
        params=CorruptionParams,
        target="safecompress_plugins.metrics.corruption:Corruption",
        summary="Mean accuracy over five levels of noise, blur or less contrast.",
        cites="Hendrycks & Dietterich 2019, section 4.1",
        needs=GRAY_BOX | {Need.CONTINUOUS_INPUTS},
        lowest=0,
        highest=1,
    ),
    MetricDef(
        name="out-of-distribution",
        params=OutOfDistributionParams,
        target="safecompress_plugins.metrics.out_of_distribution:OutOfDistribution",
        summary="AUC by which confidence separates the task's samples from another data set's.",
        cites="Hendrycks & Gimpel 2017, section 3; Liu et al. 2020, equation 4",
        needs=GRAY_BOX,
        lowest=0,
        highest=1,
    ),
    MetricDef(
        name="attribution-agreement",
        params=AttributionAgreementParams,
        target="safecompress_plugins.metrics.attribution:AttributionAgreement",
        summary="Agreement of attributions with those of the uncompressed model.",
        cites="Park et al. 2020, section 5; Sundararajan et al. 2017; Selvaraju et al. 2017",
        needs=WHITE_BOX | {Need.UNCOMPRESSED},
        lowest=-1,
        highest=1,
    ),
)
