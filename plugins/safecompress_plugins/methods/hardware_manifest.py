"""Names and parameters of methods for hardware with fast int8 or N:M arithmetic."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import MethodDef, MethodParams, Workload
from safecompress_plugins.strategies.manifest import GroupParams

__all__ = ["DEFINITIONS", "NOfMParams", "QuantizeParams"]

Share = Annotated[float, Field(gt=0, lt=1)]


class QuantizeParams(MethodParams):
    """Keep all weights, as int8 with one scale per output channel."""

    aware: bool = False
    """Whether the last part of training simulates int8 weights (quantisation-aware training);
    otherwise the fully trained network is quantised."""
    pretrain: Share = 0.75
    """Share of training before that part; only for ``aware``."""


class NOfMParams(GroupParams, MethodParams):
    """Keep n of every m consecutive weights along a layer's inputs."""

    n: Annotated[int, Field(ge=1, le=1024)] = 2
    """Number of active weights per group: the largest."""
    m: Annotated[int, Field(ge=2, le=1024)] = 4
    """Number of consecutive weights per group. A layer whose inputs m does not divide stays
    dense."""
    schedule: Literal["one-shot", "sr-ste"] = "one-shot"
    """``one-shot``: train dense, prune, fine-tune. ``sr-ste``: train through a mask of the
    currently largest weights from the beginning."""
    pretrain: Share = 0.5
    """Share of dense training; only for ``one-shot``."""
    decay: Annotated[float, Field(ge=0)] = 2e-4
    """Decay of masked weights towards 0 (the paper's λ_W); only for ``sr-ste``."""


def _once(_: MethodParams, epochs: int) -> Workload:
    """Count the work: one model, trained once."""
    return Workload(epochs=epochs)


PLACE = "safecompress_plugins.methods"

DEFINITIONS = (
    MethodDef(
        name="quantize",
        params=QuantizeParams,  # the quantiser is torchao's, an extra
        target=f"{PLACE}.quantize:Quantize",
        summary="All weights in int8, quantised after training or trained for it (torchao).",
        cites="Jacob et al. 2018, Quantization and Training of Neural Networks, CVPR, section 3",
        workload=_once,
        needs_whole_batch="",
    ),
    MethodDef(
        name="n-m",
        params=NOfMParams,
        target=f"{PLACE}.n_of_m:NOfM",
        summary="N:M structured sparsity: 2 of every 4 weights, which hardware can skip.",
        cites="Mishra et al. 2021, Accelerating Sparse DNNs; sr-ste: Zhou et al. 2021, ICLR",
        workload=_once,
        needs_whole_batch="",
    ),
)
