"""Parts of results files: immutable, without unknown keys, and the same when written again."""

import pytest
from pydantic import ValidationError

from safecompress_core.results.schema import EstimateRecord, MethodRecord, format_errors
from safecompress_core.results.schema.record import MeasuresRecord
from tests.core.fixtures.records import attack_record

METHOD = {"type": "prune", "epochs": 4, "phases": [], "facts": {}}


def test_a_record_is_immutable() -> None:
    """Results are read, never edited."""
    record = EstimateRecord(value=0.5, interval=(0.4, 0.6))

    with pytest.raises(ValidationError, match="frozen"):
        record.value = 0.6  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": "many"}, "epochs: Input should be a valid integer"),
        ({"epochs": float("nan")}, "epochs"),
        ({"speed": 1}, "speed: Extra inputs are not permitted"),
        ({"facts": {"tensor": object()}}, "facts.tensor"),
    ],
)
def test_an_error_names_the_field(change: dict[str, object], message: str) -> None:
    """And the rule."""
    with pytest.raises(ValidationError) as caught:
        MethodRecord.model_validate(METHOD | change)

    assert message in format_errors(caught.value)


def test_an_error_names_three_fields_at_most() -> None:
    """A file of another shape has hundreds."""
    with pytest.raises(ValidationError) as caught:
        MethodRecord.model_validate({})

    text = format_errors(caught.value)
    assert text.startswith("type: Field required; epochs: Field required; phases: Field required")
    assert text.endswith("; and 1 more")


def test_facts_of_components_may_be_tuples_and_mappings() -> None:
    """JSON has lists and objects."""
    record = MethodRecord.model_validate(METHOD | {"facts": {"ranks": ((1, 2), {"a": (3,)})}})

    assert record.to_json()["facts"] == {"ranks": [[1, 2], {"a": [3]}]}


def test_only_fields_that_were_set_are_written() -> None:
    """Null where a value is missing; no key where a field does not apply."""
    written = attack_record("membership", 0.2, outdone_by=None).to_json()

    assert written["outdone_by"] is None
    assert "own_advantage" not in written
    assert "canaries" not in written


class Measured(MeasuresRecord):
    """Two measures, and a fact."""

    auc: float | None
    auc_interval: tuple[float, float] | None
    lift: float
    lift_interval: tuple[float, float]
    macro_f1: float


def test_estimates_are_the_measures_with_an_interval() -> None:
    """A measure that is null has none."""
    record = Measured(auc=None, auc_interval=None, lift=0.1, lift_interval=(0.0, 0.2), macro_f1=0.5)

    assert record.estimates() == {"lift": EstimateRecord(value=0.1, interval=(0.0, 0.2))}
    assert record.estimate("auc") is None
    assert record.estimate("macro_f1") is None
