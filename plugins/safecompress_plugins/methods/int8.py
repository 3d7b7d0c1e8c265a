"""What int8 makes of a weight, as torchao works it out."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

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
    block = (1, *weight.shape[1:])
    scales, zeros = choose_qparams_affine(weight, MappingType.SYMMETRIC, block, torch.int8)
    return Quantised(
        values=quantize_affine(weight, block, scales, zeros, torch.int8), scales=scales
    )
