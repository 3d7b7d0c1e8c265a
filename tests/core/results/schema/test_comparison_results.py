"""The top level of comparison.json."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from safecompress_core.results.schema import VariantRecord
from safecompress_core.results.schema.comparison_results import CourseRecord, FigureName

SUMMARY = {"mean": 0.5, "interval": None, "values": [0.5]}


@pytest.fixture
def variant() -> dict[str, Any]:
    """One seed of the uncompressed model, as the file has it."""
    return {
        "name": "uncompressed",
        "method": "uncompressed",
        "density": None,
        "kept": None,
        "model_density": None,
        "sparsifiable": 0.9,
        "seeds": [1],
        **dict.fromkeys(get_args(FigureName)),
        "task_accuracy": SUMMARY,
        "advantage": {"membership": None},
        "audit": {},
        "verdicts": {"passed": 1},
        "best": ["task_accuracy"],
        "on_front": None,
        "relative_seconds": None,
    }


def test_every_column_of_a_table_has_a_figure(variant: dict[str, Any]) -> None:
    """Null where nothing measured it; written again the variant is the same."""
    record = VariantRecord.model_validate(variant)

    figures = {name: record.figure(name) for name in get_args(FigureName)}
    assert figures.pop("task_accuracy") == record.task_accuracy
    assert set(figures.values()) == {None}
    assert record.to_json() == variant


@pytest.mark.parametrize(
    "change", [{"best": ["speed"]}, {"verdicts": {"passed": -1}}, {"sparsifiable": None}]
)
def test_what_no_column_and_no_count_can_be_is_refused(
    variant: dict[str, Any], change: dict[str, Any]
) -> None:
    """With the field."""
    with pytest.raises(ValidationError, match=next(iter(change))):
        VariantRecord.model_validate(variant | change)


def test_a_round_without_attacks_has_no_advantage() -> None:
    """A course is followed by its performance all the same."""
    rounds = [{"round": 1, "performance": 0.5, "advantage": None}]
    record = CourseRecord.model_validate(
        {"name": "trial", "density": None, "seed": 1, "rounds": rounds}
    )

    assert record.to_json()["rounds"] == rounds
