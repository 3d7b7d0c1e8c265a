"""Samples cast to what a finished model takes."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from safecompress_core.errors import ModelError
from safecompress_core.saved_models.input_casting import cast, scale_for

DIGITS = torch.from_numpy(load_digits().data[:300])  # 0 … 16


def test_whole_numbers_stay_as_they_are() -> None:
    """As a model of integers was trained on them."""
    for dtype in (torch.uint8, torch.int32, torch.int64):
        assert scale_for(DIGITS.float(), dtype) == 1
        assert torch.equal(cast(DIGITS.float(), dtype, 1).double(), DIGITS)


def test_images_between_0_and_1_are_given_as_bytes() -> None:
    """Where they are whole 255ths, so that nothing is lost."""
    images = (DIGITS * 15).round().float() / 255

    assert scale_for(images, torch.uint8) == 255
    assert torch.equal(cast(images, torch.uint8, 255).double(), (DIGITS * 15).round())


@pytest.mark.parametrize(
    ("samples", "dtype", "message"),
    [
        (DIGITS.float() / 16, torch.uint8, "takes uint8, and the samples have numbers such as 0."),
        (DIGITS.float() - 0.5, torch.int32, "numbers such as -0.5, which it cuts off"),
        (DIGITS.float() - 8, torch.uint8, "numbers from -8 to 8, which do not fit in"),
        (DIGITS.float() * 100, torch.uint8, "numbers from 0 to 1600"),
        (DIGITS.long() + 2**25, torch.float32, "as large as 335"),
    ],
)
def test_a_loss_is_refused(samples: Tensor, dtype: torch.dtype, message: str) -> None:
    """With the numbers that would be lost."""
    with pytest.raises(ModelError, match=message):
        scale_for(samples, dtype)


def test_floats_take_floats() -> None:
    """Half precision is what the model was exported in."""
    assert scale_for(DIGITS.float() / 16, torch.float16) == 1
    assert scale_for(DIGITS.long(), torch.float32) == 1


def test_what_an_attack_makes_up_is_rounded_and_kept_in_range() -> None:
    """A cast to an integer would cut it off, and wrap around."""
    made_up = torch.tensor([[0.4, 0.6, -3.0, 300.0]])

    assert cast(made_up, torch.uint8, 1).tolist() == [[0, 1, 0, 255]]
    assert cast(made_up / 255, torch.uint8, 255).tolist() == [[0, 1, 0, 255]]
