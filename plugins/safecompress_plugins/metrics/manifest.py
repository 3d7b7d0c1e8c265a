"""Names and parameters of the built-in metrics."""

from safecompress_core.api import MetricDef, Params

__all__ = ["DEFINITIONS", "AccuracyParams", "SizeParams"]


class AccuracyParams(Params):
    """Accuracy on samples that the model was not trained on."""


class SizeParams(Params):
    """Bytes of the model file."""


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
        name="size",
        params=SizeParams,
        target="safecompress_plugins.metrics.size:Size",
        summary="Bytes of the stored model: active weights, their positions, all dense tensors.",
        higher_is_better=False,
        lowest=1,
    ),
)
