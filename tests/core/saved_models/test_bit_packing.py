"""Numbers of a few bits, several to a byte."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from safecompress_core.saved_models.bit_packing import pack_bits, packed_length, unpack_bits


def test_the_first_number_is_in_the_lowest_bits() -> None:
    """Worked out by hand: 1 and −2 are 0001 and 1110."""
    packed = pack_bits(torch.tensor([1, -2, 7], dtype=torch.int8), 4)

    assert packed.tolist() == [0b1110_0001, 0b0000_0111]


def test_bits_are_those_of_numpy() -> None:
    """One bit a number, in numpy's little order."""
    flags = torch.rand(29, generator=torch.Generator().manual_seed(0)) < 0.5

    packed = pack_bits(flags.to(torch.uint8), 1)

    assert packed.tolist() == np.packbits(flags.numpy(), bitorder="little").tolist()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@given(data=st.data())
def test_what_was_packed_comes_back(bits: int, data: st.DataObject) -> None:
    """Signed or not, of any number."""
    is_signed = bits > 1 and data.draw(st.booleans())
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed else (0, 2**bits - 1)
    numbers = data.draw(st.lists(st.integers(low, high), max_size=20))
    values = torch.tensor(numbers, dtype=torch.int8 if is_signed else torch.uint8)

    packed = pack_bits(values, bits)

    assert len(packed) == packed_length(len(values), bits)
    unpacked = unpack_bits(packed, bits, count=len(values), is_signed=is_signed)
    assert unpacked.tolist() == numbers
