"""Numbers by which a guard knows a query again."""

import torch
from sklearn.datasets import load_digits

from safecompress_core.networks.output_guard import digests

DIGITS = torch.as_tensor(load_digits().data, dtype=torch.float32).reshape(-1, 1, 8, 8)


def test_the_same_input_has_the_same_number_whatever_is_beside_it() -> None:
    """Of images as of rows, and with either sign of a 0."""
    whole = digests(DIGITS)

    assert torch.equal(torch.cat([digests(part) for part in DIGITS.split(100)]), whole)
    assert torch.equal(digests(DIGITS.flatten(1)), whole)
    assert torch.equal(digests(torch.where(DIGITS == 0, -0.0, DIGITS)), whole)


def test_other_inputs_have_other_numbers() -> None:
    """All real digits, one moved by the least that a float can be, and words."""
    different = DIGITS.unique(dim=0)
    moved = torch.nextafter(DIGITS, torch.tensor(99.0))
    words = torch.arange(3000).reshape(1000, 3)

    assert len(digests(different).unique()) == len(different)
    assert not (digests(moved) == digests(DIGITS)).any()
    assert len(digests(words).unique()) == 1000
