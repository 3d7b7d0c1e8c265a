"""Weights in half precision."""

import torch

from safecompress_core.toolkit import Finish, FinishContext, Finisher, Rounded
from safecompress_plugins.finishers.coding_error import coding_error
from safecompress_plugins.finishers.manifest import CastParams

__all__ = ["Cast"]


class Cast(Finisher):
    """Rounds weights to float16 or bfloat16; they compute in float32."""

    def __init__(self, params: CastParams) -> None:
        self._dtype = {"float16": torch.float16, "bfloat16": torch.bfloat16}[params.dtype]

    def finish(self, context: FinishContext) -> Finish:
        """Return the rounded weights."""
        codes = {
            # Beyond the range of float16 a weight would be infinite.
            name: Rounded(codes=weight.clamp(*self._bounds()).to(self._dtype))
            for name, weight in context.weights.items()
        }
        return Finish(codes=codes, facts={"error": coding_error(context.weights, codes)})

    def _bounds(self) -> tuple[float, float]:
        limits = torch.finfo(self._dtype)
        return limits.min, limits.max
