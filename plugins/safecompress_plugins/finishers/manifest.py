"""Names and parameters of the built-in finishers."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import FinisherDef, Params

__all__ = [
    "DEFINITIONS",
    "CastParams",
    "ClusterParams",
    "QuantizeParams",
    "RemoveDeadChannelsParams",
]


class QuantizeParams(Params):
    """Whole numbers for weights, and for the inputs of layers if asked for."""

    bits: Literal[8, 4] = 8
    """Of a weight: 8, with a scale for each output channel, or 4, with one for each group."""
    group: Annotated[int, Field(ge=8, le=4096)] = 32
    """Consecutive weights of a channel that share a scale; for 4 bits only."""
    inputs: bool = False
    """Whether the inputs of the same layers are rounded to 8 bits as well, with a range that is
    fixed beforehand (static quantisation), so that a device can compute in whole numbers."""
    calibration: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    """Members of *attack-train* that ranges of inputs are estimated on, at most."""


class ClusterParams(Params):
    """A few values that all weights of a layer share."""

    values: Annotated[int, Field(ge=2, le=256)] = 16
    """Values a layer, 0 included: 16 take 4 bits a weight."""


class CastParams(Params):
    """Floating-point weights of half as many bits."""

    dtype: Literal["float16", "bfloat16"] = "float16"
    """``float16`` has more digits, ``bfloat16`` the range of float32."""


class RemoveDeadChannelsParams(Params):
    """Channels that no answer depends on; nothing is lost with them."""


DEFINITIONS = (
    FinisherDef(
        name="quantize",
        params=QuantizeParams,
        target="safecompress_plugins.finishers.quantize:Quantize",
        summary="Weights in int8 or int4, and inputs of layers in int8 if asked for (torchao).",
        cites="Jacob et al. 2018, CVPR, sections 2 and 3",
    ),
    FinisherDef(
        name="cluster",
        params=ClusterParams,
        target="safecompress_plugins.finishers.cluster:Cluster",
        summary="A few shared values a layer, by k-means over its active weights.",
        cites="Han, Mao & Dally 2016, Deep Compression, ICLR, section 3",
    ),
    FinisherDef(
        name="cast",
        params=CastParams,
        target="safecompress_plugins.finishers.cast:Cast",
        summary="Weights in float16 or bfloat16.",
    ),
    FinisherDef(
        name="remove-dead-channels",
        params=RemoveDeadChannelsParams,
        target="safecompress_plugins.finishers.dead_channels:RemoveDeadChannels",
        summary="A smaller network of the same function, without channels that nothing depends on.",
        reduces=True,
    ),
)
