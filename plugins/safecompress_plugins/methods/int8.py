"""What int8 makes of a weight, as torchao works it out."""

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
    """Nothing below an error is told: torchao tells of kernels that nothing here calls."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


with _quiet():
    from torchao.quantization.quant_primitives import (
        MappingType,
        choose_qparams_affine,
        quantize_affine,
    )


@torch.no_grad()
def int8(weight: Tensor) -> Quantised:
    """Symmetric, one scale for each output channel: torchao's int8 weight-only quantisation.

    A scale is the channel's largest magnitude over 127.5, and a value the weight over its scale,
    rounded and held in [−128, 127].

    Args:
        weight: shape (O, ...), O output channels.
    """
    rows = weight.reshape(len(weight), -1)
    if rows.shape[1] == 1:
        rows = pad(rows, (0, 1))  # of a single column torchao takes all rows for one channel
    block = (1, rows.shape[1])
    scales, zeros = choose_qparams_affine(rows, MappingType.SYMMETRIC, block, torch.int8)
    values = quantize_affine(rows, block, scales, zeros, torch.int8)
    return Quantised(values=values[:, : weight[0].numel()].reshape(weight.shape), scales=scales)
