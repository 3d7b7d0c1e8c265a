"""Quantisation by torchao: weights in int8 and int4, and ranges of inputs."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.functional import pad

from safecompress_core.toolkit import InputRange, Quantised

__all__ = ["RangeObserver", "int4", "int8"]


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings: torchao reports missing kernels that this module does not use."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


# Importing torchao is what warns, so the import itself runs silenced.
with _quiet():
    from torchao.quantization.pt2e.observer import HistogramObserver
    from torchao.quantization.quant_primitives import (
        MappingType,
        choose_qparams_affine,
        quantize_affine,
    )


@torch.no_grad()
def int8(weight: Tensor) -> Quantised:
    """Quantise symmetrically with one scale per output channel, as torchao's weight-only int8.

    A scale is the channel's largest magnitude over 127.5; a value is the weight over its scale,
    rounded and clamped to [−128, 127].

    Args:
        weight: shape (O, ...), with O output channels.
    """
    rows = weight.reshape(len(weight), -1)
    if rows.shape[1] == 1:
        rows = pad(rows, (0, 1))  # for a single column torchao would use one scale for all rows
    block = (1, rows.shape[1])
    scales, zeros = choose_qparams_affine(rows, MappingType.SYMMETRIC, block, torch.int8)
    values = quantize_affine(rows, block, scales, zeros, torch.int8)
    # Cut back to the original size: the padding column is not part of the weight.
    codes = values[:, : weight[0].numel()].reshape(weight.shape)
    return Quantised(codes=codes, scales=scales)


@torch.no_grad()
def int4(weight: Tensor, *, group: int) -> Quantised:
    """Quantise symmetrically to [−8, 7], with one scale for each group of a channel's weights.

    Args:
        weight: shape (O, ...), with O output channels.
        group: consecutive weights of a channel that share a scale.
    """
    rows = weight.reshape(len(weight), -1)
    columns = rows.shape[1]
    # Zeros change no largest magnitude, and so no scale.
    rows = pad(rows, (0, -columns % group))
    block = (1, group)
    low, high = -8, 7
    scales, zeros = choose_qparams_affine(
        rows, MappingType.SYMMETRIC, block, torch.int8, quant_min=low, quant_max=high
    )
    # A group of zeros has no scale of its own, and torchao takes the smallest number.
    values = quantize_affine(rows, block, scales, zeros, torch.int8, quant_min=low, quant_max=high)
    codes = values[:, :columns].reshape(weight.shape)
    return Quantised(codes=codes, scales=scales.view(len(weight), -1), width=4, group=group)


class RangeObserver:
    """Range of a layer's inputs: the one that loses least over what it is shown (torchao)."""

    def __init__(self) -> None:
        with _quiet():
            self._observer = HistogramObserver(
                dtype=torch.int8, qscheme=torch.per_tensor_affine, quant_min=-128, quant_max=127
            )

    def show(self, inputs: Tensor) -> None:
        """Take a batch of inputs into account."""
        self._observer(inputs.detach().float().cpu())

    def range(self) -> InputRange:
        """Return the range."""
        with _quiet():
            scale, zero_point = self._observer.calculate_qparams()
        return InputRange(scale=float(scale), zero_point=int(zero_point))
