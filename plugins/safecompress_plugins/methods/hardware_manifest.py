"""Names and parameters of the methods whose models hardware multiplies faster than others."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import MethodDef, MethodParams, Workload
from safecompress_plugins.strategies.manifest import GroupParams

__all__ = ["DEFINITIONS", "NOfMParams", "QuantizeParams"]

Share = Annotated[float, Field(gt=0, lt=1)]


class QuantizeParams(MethodParams):
    """Keep every weight, as int8 with one scale for each output channel."""

    aware: bool = False
    """Whether the last part of training already sees the weights as int8 will have them
    (quantisation-aware training); else a network that is fully trained is quantised."""
    pretrain: Share = 0.75
    """Share of training before that part; for ``aware`` alone."""


class NOfMParams(GroupParams, MethodParams):
    """Keep n of every m consecutive weights along a layer's inputs."""

    n: Annotated[int, Field(ge=1, le=1024)] = 2
    """How many of each group are kept: the largest."""
    m: Annotated[int, Field(ge=2, le=1024)] = 4
    """How many consecutive weights are a group. A layer whose inputs m does not divide stays
    dense."""
    schedule: Literal["one-shot", "sr-ste"] = "one-shot"
    """``one-shot``: train dense, prune, fine-tune. ``sr-ste``: train through a mask that follows
    the largest weights from the beginning."""
    pretrain: Share = 0.5
    """Share of training in which the network is dense; for ``one-shot`` alone."""
    decay: Annotated[float, Field(ge=0)] = 2e-4
    """How strongly weights that are masked are drawn to 0 (the paper's λ_W); for ``sr-ste``
    alone."""


def _once(_: MethodParams, epochs: int) -> Workload:
    """One model is trained, once."""
    return Workload(epochs=epochs)


PLACE = "safecompress_plugins.methods"

DEFINITIONS = (
    MethodDef(
        name="quantize",
        params=QuantizeParams,
        target=f"{PLACE}.quantize:Quantize",
        summary="All weights in int8, quantised after training or trained for it (torchao).",
        cites="Jacob et al. 2018, Quantization and Training of Neural Networks, CVPR, section 3",
        workload=_once,
    ),
    MethodDef(
        name="n-m",
        params=NOfMParams,
        target=f"{PLACE}.n_of_m:NOfM",
        summary="N:M structured sparsity: 2 of every 4 weights, which hardware can skip.",
        cites="Mishra et al. 2021, Accelerating Sparse DNNs; sr-ste: Zhou et al. 2021, ICLR",
        workload=_once,
    ),
)
