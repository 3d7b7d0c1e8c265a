"""Samples cast to the dtype that a finished model takes, without a silent loss.

Integer inputs: samples that are whole numbers stay as they are; images in [0, 1] of whole 255ths
are given as 0 … 255, and the data card says so; anything else is refused. Inputs that an attack
makes up are rounded, as a service that takes whole numbers has them.
"""

import torch
from torch import Tensor

from safecompress_core.data.dataset import Inputs, in_batches
from safecompress_core.errors import ModelError

__all__ = ["cast", "scale_for"]

BATCH = 256
BYTES = 255
NEAR = 1e-3
"""How far a number may be from a whole one, which float32 rounds to."""


def scale_for(inputs: Tensor | Inputs, dtype: torch.dtype) -> int:
    """Return what samples are multiplied by before they are cast: 1, or 255 for images in [0, 1].

    Args:
        inputs: all samples, (N, ...).
        dtype: what a model takes.

    Raises:
        ModelError: if the cast loses something.
    """
    low, high, odd = float("inf"), -float("inf"), None
    is_whole, is_bytes = True, True
    # In batches: image data sets may be larger than memory.
    for batch in in_batches(inputs, torch.arange(len(inputs)).split(BATCH)):
        if batch.numel() == 0:
            continue
        # Over all samples, not a sample of them: one value out of range would be cut silently.
        low, high = min(low, float(batch.min())), max(high, float(batch.max()))
        whole = batch == batch.round()
        if odd is None and not bool(whole.all()):
            odd = float(batch[~whole].flatten()[0])
        is_whole = is_whole and bool(whole.all())
        # Images are often stored as bytes / 255, which float32 restores within NEAR.
        scaled = batch * BYTES
        is_bytes = is_bytes and bool(((scaled - scaled.round()).abs() < NEAR).all())
    if dtype.is_floating_point:
        # Beyond 1 / eps neighbouring whole numbers are one float; floats were rounded on reading.
        if is_whole and high > 1 / torch.finfo(dtype).eps and not inputs_are_floats(inputs):
            _refuse(dtype, f"numbers as large as {high:.0f}, which it rounds")
        return 1
    limits = torch.iinfo(dtype)
    if is_whole and (low < limits.min or high > limits.max):
        _refuse(dtype, f"numbers from {low:g} to {high:g}, which do not fit in")
    # Whole numbers that fit are taken as they are, also if they could be scaled images.
    if is_whole:
        return 1
    if is_bytes and low >= 0 and high <= 1 and limits.max >= BYTES:
        return BYTES
    _refuse(dtype, f"numbers such as {odd:.4g}, which it cuts off")
    raise AssertionError


def inputs_are_floats(inputs: Tensor | Inputs) -> bool:
    """Return whether samples come as floats; images kept as bytes or files do."""
    return not isinstance(inputs, Tensor) or inputs.is_floating_point()


def cast(inputs: Tensor, dtype: torch.dtype, scale: int) -> Tensor:
    """Return a batch as a model takes it; rounded and kept in range where it takes integers."""
    if dtype.is_floating_point or not inputs.is_floating_point():
        return inputs.to(dtype)
    limits = torch.iinfo(dtype)
    # In float64, which holds every integer of up to 53 bits.
    return (inputs.double() * scale).round().clamp(limits.min, limits.max).to(dtype)


def _refuse(dtype: torch.dtype, what: str) -> None:
    raise ModelError(
        f"the model takes {str(dtype).removeprefix('torch.')}, and the samples have {what}",
        hint="give samples as the model was trained on them (images: task.data.normal), or export "
        "one that takes float32",
    )
