"""The data card in words."""

from typing import Any

from safecompress_core.report.data_card_text import card_lines
from safecompress_core.results.schema import DataRecord

CARD: dict[str, Any] = {
    "samples": 1200,
    "input_shape": [3, 4],
    "labels": [{"name": "no", "samples": 1150}, {"name": "yes", "samples": 50}],
    "attributes": [
        {"name": "colour", "values": [{"name": "red", "samples": 1200}]},
        {"name": "town", "values": [{"name": str(n), "samples": 95 + n} for n in range(12)]},
    ],
    "notes": ["age: left out"],
    "warnings": ["'colour' is an input"],
}


def test_a_card_is_a_line_a_fact_with_warnings_last() -> None:
    """Of many values, only how many there are."""
    assert list(card_lines(DataRecord.model_validate(CARD))) == [
        "data: 1,200 samples, input 3 x 4",
        "  labels: no 1,150, yes 50",
        "  private colour: red 1,200",
        "  private town: 12, with 95 to 106 samples each",
        "  age: left out",
        "  warning: 'colour' is an input",
    ]


def test_a_sample_that_is_a_number_has_the_shape_of_one() -> None:
    """Rather than none at all."""
    [first, *_] = card_lines(DataRecord.model_validate(CARD | {"input_shape": []}))

    assert first == "data: 1,200 samples, input 1"
