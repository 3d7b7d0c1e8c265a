"""Bit packing: whole numbers of 1, 2 or 4 bits, several to a byte, the first in the lowest bits."""

import torch
from torch import Tensor

__all__ = ["pack_bits", "packed_length", "unpack_bits"]


def packed_length(count: int, bits: int) -> int:
    """Return how many bytes so many numbers take."""
    return -(-count * bits // 8)


def pack_bits(values: Tensor, bits: int) -> Tensor:
    """Pack numbers into bytes.

    Args:
        values: int8 or uint8, shape (N,); negative ones in two's complement.
        bits: 1, 2, 4 or 8 of each.

    Returns:
        uint8, shape (⌈N · bits / 8⌉,); the last byte is filled up with 0.
    """
    per_byte = 8 // bits
    padded = torch.zeros(packed_length(len(values), bits) * per_byte, dtype=torch.uint8)
    # As bytes: the low bits of two's complement are those of the narrower number.
    padded[: len(values)] = values.view(torch.uint8) & (2**bits - 1)
    shifts = torch.arange(0, 8, bits, dtype=torch.uint8)
    return (padded.view(-1, per_byte) << shifts).sum(dim=1, dtype=torch.uint8)


def unpack_bits(packed: Tensor, bits: int, *, count: int, is_signed: bool) -> Tensor:
    """Return the numbers that ``pack_bits`` packed, shape (count,), int8 if they are signed.

    Args:
        packed: uint8, shape (⌈count · bits / 8⌉,).
        bits: 1, 2, 4 or 8 of each.
        count: how many there are.
        is_signed: whether they are in two's complement.
    """
    shifts = torch.arange(0, 8, bits, dtype=torch.uint8)
    values: Tensor = ((packed[:, None] >> shifts) & (2**bits - 1)).flatten()[:count]
    if not is_signed:
        return values
    # Sign extension: the highest bit of each counts negatively.
    sign: int = 2 ** (bits - 1)
    return ((values.short() ^ sign) - sign).to(torch.int8)
