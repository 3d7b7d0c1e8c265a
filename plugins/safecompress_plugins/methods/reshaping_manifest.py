"""Names and parameters of methods whose result has layers of other shapes."""

from typing import Annotated

from pydantic import Field

from safecompress_core.api import Density, DensityParams, MethodDef, MethodParams, Workload

__all__ = ["DEFINITIONS", "LowRankParams", "ReshapingParams", "StructuredParams"]


class ReshapingParams(DensityParams):
    """Parameters of every method that reshapes a dense network and fine-tunes it."""

    density: Density
    """Maximum number of weights of the reshaped network, as a fraction of the uncompressed model's
    prunable weights."""
    pretrain: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of dense training; the rest is fine-tuning."""


class LowRankParams(ReshapingParams):
    """Train dense, factorise each layer into two of low rank, fine-tune both."""


class StructuredParams(ReshapingParams):
    """Train dense, remove whole channels and neurons, fine-tune the rest."""


def _once(_: MethodParams, epochs: int) -> Workload:
    """Count the work: one model, trained once."""
    return Workload(epochs=epochs)


PLACE = "safecompress_plugins.methods"

DEFINITIONS = (
    MethodDef(
        name="low-rank",
        params=LowRankParams,
        target=f"{PLACE}.low_rank:LowRank",
        summary="Train dense, factorise each layer by truncated SVD, fine-tune.",
        cites="Xue, Li & Gong 2013, Interspeech; convolutions: Zhang et al. 2016, IEEE TPAMI 38",
        workload=_once,
        needs_whole_batch="",
    ),
    MethodDef(
        name="structured",
        params=StructuredParams,
        target=f"{PLACE}.structured:Structured",
        summary="Train dense, remove whole channels of small norm, fine-tune (torch-pruning).",
        cites="Fang et al. 2023, DepGraph: Towards Any Structural Pruning, CVPR; Li et al. 2017",
        workload=_once,
        needs_whole_batch="",
    ),
)
