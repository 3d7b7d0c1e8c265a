"""What is wrong with samples is said before anything is trained on them."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from safecompress_core.data.dataset import Attribute, Dataset
from safecompress_core.preflight.data_checks import check_data

PEOPLE = Dataset(
    inputs=torch.zeros(4, 2),
    labels=torch.tensor([0, 1, 1, 0]),
    classes=("no", "yes"),
    attributes={"colour": Attribute(torch.tensor([0, 2, 1, 0]), ("r", "g", "b"))},
)
HOLED = torch.tensor([[0.0, 0.0], [torch.inf, 0.0], [0.0, torch.nan], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"labels": torch.tensor([0, 1, 2, -1])},
            "label 2 of sample 2 is outside [0, 2), and so are 2 in all",
        ),
        (
            {"attributes": {"colour": Attribute(torch.tensor([0, 3, 1, 0]), ("r", "g", "b"))}},
            "attribute 'colour' 3 of sample 1 is outside [0, 3), and so are 1 in all",
        ),
        (
            {"labels": torch.tensor([0.0, 1.0, 1.0, 0.0])},
            "label must be int64 of shape (N,), but is torch.float32 of (4,)",
        ),
        (
            {"inputs": HOLED},
            "2 of 4 samples hold numbers that are not finite; the first is sample 1",
        ),
        (
            {"labels": torch.zeros(4, dtype=torch.int64)},
            "all 4 samples have the same label, so there is nothing to learn",
        ),
        (
            {"labels": torch.tensor([0, 1, 1, 1])},
            "1 label has a single sample, which cannot be on both sides: 'no'",
        ),
        ({"inputs": torch.zeros(5, 2)}, "there are 4 labels, but 5 inputs"),
        (
            {"attributes": {"colour": Attribute(torch.tensor([0]), ("r",))}},
            "there are 4 labels, but 1 attribute 'colour'",
        ),
        (
            {
                "inputs": torch.zeros(0, 2),
                "labels": torch.zeros(0, dtype=torch.int64),
                "attributes": {},
            },
            "there are no samples",
        ),
    ],
)
def test_each_flaw_is_one_sentence(change: dict[str, Any], message: str) -> None:
    """With a sample to look at, where one is at fault."""
    assert list(check_data(replace(PEOPLE, **change))) == [message]


def test_good_data_have_none() -> None:
    """Also where inputs are whole numbers, and single ones."""
    assert list(check_data(PEOPLE)) == []
    assert list(check_data(replace(PEOPLE, inputs=torch.arange(4)))) == []
