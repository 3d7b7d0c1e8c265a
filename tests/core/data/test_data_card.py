"""The data card in results and as text."""

import torch

from safecompress_core.data.data_card import describe_data
from safecompress_core.data.dataset import Attribute, Dataset

DATA = Dataset(
    inputs=torch.zeros(1200, 3, 4),
    labels=torch.arange(1200) % 2,
    classes=("no", "yes"),
    attributes={
        "colour": Attribute(torch.arange(1200) % 3, ("red", "green", "blue")),
        "town": Attribute(torch.arange(1200) % 12, tuple(map(str, range(12)))),
    },
    notes=("age: left out",),
    warnings=("'colour' is an input",),
)


def test_every_label_and_value_is_counted() -> None:
    """Under its name."""
    card = describe_data(DATA)

    assert (card["samples"], card["input_shape"]) == (1200, [3, 4])
    assert card["labels"] == [{"name": "no", "samples": 600}, {"name": "yes", "samples": 600}]
    assert card["attributes"][0]["values"][2] == {"name": "blue", "samples": 400}
