"""What anyone may know of a sample, and how the model's input says a private attribute."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import tensor

from safecompress_core.attacks.public_features import (
    AttributeEncoding,
    check_public_features,
    encoding_of,
    public_columns,
)
from safecompress_core.data.dataset import Attribute, Dataset

PERSON = Dataset(
    inputs=torch.zeros(2, 6),
    labels=tensor([0, 1]),
    classes=("no", "yes"),
    attributes={"sex": Attribute(tensor([0, 1]), ("female", "male"))},
    features={"hours": (5,), "place": (0, 2)},
)


def test_public_are_the_columns_of_features_but_not_the_attributes_own() -> None:
    """Even where somebody has called it a feature; what is no feature is not public."""
    assert public_columns(PERSON, "sex").tolist() == [0, 2, 5]

    written = replace(PERSON.attributes["sex"], columns=(2, 3), codes=torch.eye(2))
    assert public_columns(replace(PERSON, attributes={"sex": written}), "sex").tolist() == [0, 5]
    assert public_columns(replace(PERSON, features={}), "sex").tolist() == []


def test_an_attribute_is_encoded_where_the_input_holds_it() -> None:
    """With columns and what stands there; an attribute that is hidden has no encoding."""
    hidden = PERSON.attributes["sex"]
    assert encoding_of(hidden) is None

    encoding = encoding_of(replace(hidden, columns=(3, 1), codes=tensor([[1.0, 2.0], [0.0, 7.0]])))

    assert encoding is not None
    assert encoding.columns.tolist() == [3, 1]
    assert len(encoding) == 2


def test_a_value_is_written_over_every_sample_and_nothing_else() -> None:
    """Into a copy, by place in the flat input."""
    inputs = torch.arange(12.0).reshape(2, 2, 3)
    before = inputs.clone()

    written = AttributeEncoding(tensor([5, 1]), tensor([[0.5, 0.25], [-1.0, -2.0]])).write_value(
        inputs, 1
    )

    assert torch.equal(inputs, before)
    assert written.tolist() == [[[0, -2, 2], [3, 4, -1]], [[6, -2, 8], [9, 10, -1]]]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"columns": (4, 6)}, "attribute 'sex' is in column 6, but the flat input has 6, from 0"),
        (
            {"columns": (4,), "codes": torch.eye(2)},
            "attribute 'sex' has codes of shape (2, 2), but (2, 1) are needed",
        ),
        (
            {"numbers": torch.zeros(3)},
            "attribute 'sex' has numbers of shape (3,) for 2 samples",
        ),
        (
            {"numbers": tensor([1.0, torch.nan])},
            "attribute 'sex' has numbers that are not finite",
        ),
    ],
)
def test_what_contradicts_the_samples_is_told(change: dict[str, Any], problem: str) -> None:
    """Before anybody reads columns that are not there."""
    assert list(check_public_features(PERSON)) == []

    attributes = {"sex": replace(PERSON.attributes["sex"], **change)}

    assert list(check_public_features(replace(PERSON, attributes=attributes))) == [problem]


def test_a_feature_in_no_column_is_told() -> None:
    """By its name."""
    lost = replace(PERSON, features={"hours": (5,), "place": (-1, 2)})

    assert list(check_public_features(lost)) == [
        "feature 'place' is in column -1, but the flat input has 6, from 0"
    ]
