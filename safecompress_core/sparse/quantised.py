"""A weight in int8: whole numbers, and one scale for each output channel."""

from dataclasses import dataclass

import torch
from torch import Tensor

from safecompress_core.errors import StorageError

__all__ = ["Quantised"]

# O output channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantised:
    """Quantised weight: w = scale · value, with one scale for each output channel.

    Zero is zero, so what a topology leaves out stays out.

    Attributes:
        values: int8, of the weight's shape (O, ...).
        scales: floating point, of the weight's dtype, shape (O,).

    Raises:
        StorageError: if they are no such tensors.
    """

    values: Tensor
    scales: Tensor

    def __post_init__(self) -> None:
        fits = self.values.dtype is torch.int8 and self.scales.is_floating_point()
        # Scales per output channel: one scale a layer loses too much precision.
        if not fits or self.values.ndim < 1 or self.scales.shape != self.values.shape[:1]:
            raise StorageError(
                f"values are {self.values.dtype} of shape {tuple(self.values.shape)} and scales "
                f"{self.scales.dtype} of shape {tuple(self.scales.shape)}; int8 values need one "
                "floating-point scale for each index of their first dimension"
            )

    def weight(self) -> Tensor:
        """The weight that they stand for, (O, ...): the same bits wherever it is computed."""
        # Broadcast over all dimensions but the first.
        over_channel = (-1, *(1,) * (self.values.ndim - 1))
        return self.values.to(self.scales.dtype) * self.scales.view(over_channel)
