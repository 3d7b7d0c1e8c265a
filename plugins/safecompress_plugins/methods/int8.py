"""Int8 quantisation of weights by torchao."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn.functional import pad

from safecompress_core.toolkit import Quantised

__all__ = ["int8"]


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
    return Quantised(values=values[:, : weight[0].numel()].reshape(weight.shape), scales=scales)
