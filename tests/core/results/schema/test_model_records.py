"""Models in results: sizes, audits, and what a method and its defences report."""

import pytest
from pydantic import ValidationError

from safecompress_core.results.schema import (
    DefenceRecord,
    MethodRecord,
    ModelAuditRecord,
    ModelRecord,
    PhaseRecord,
)
from tests.core.fixtures.records import attack_record, estimate, model_record

SIZES = dict.fromkeys(("density", "model_density", "sparsifiable", "parameters", "active"))


def test_sizes_that_a_format_does_not_show_are_null() -> None:
    """They are in the file all the same; what no audit has is not."""
    record = ModelRecord.model_validate({**SIZES, "file_bytes": 10, "dense_bytes": 10})

    assert record.to_json() == {**SIZES, "file_bytes": 10, "dense_bytes": 10}
    with pytest.raises(ValidationError, match="density"):
        ModelRecord.model_validate({"file_bytes": 10, "dense_bytes": 10})


@pytest.mark.parametrize(
    ("field", "value"), [("density", float("nan")), ("active", -1), ("file_bytes", "many")]
)
def test_a_size_is_a_number(field: str, value: object) -> None:
    """A count is not negative, and nothing is NaN."""
    with pytest.raises(ValidationError, match=field):
        ModelRecord.model_validate(model_record().to_json() | {field: value})


def test_an_audit_keeps_its_attacks_by_id_and_game() -> None:
    """Read from JSON it is the same, with the class of each game."""
    record = ModelAuditRecord(
        model=model_record(),
        metrics={"accuracy": estimate(0.7)},
        audit={"loss": attack_record("membership", 0.2), "probe": attack_record("attribute", 0.1)},
    )

    again = ModelAuditRecord.model_validate_json(record.model_dump_json(exclude_unset=True))

    assert again == record
    assert [type(one) for one in again.audit.values()] == [
        type(one) for one in record.audit.values()
    ]


@pytest.mark.parametrize("kind", [PhaseRecord, DefenceRecord])
def test_phases_and_defences_may_report_more(kind: type) -> None:
    """Under any further names, with any values of JSON."""
    known = {"name": "prune", "epochs": 2, "density": 0.5} if kind is PhaseRecord else {}
    content = {**known, "ranks": {"fc": 3}, "epsilon": None}

    assert kind.model_validate(content).to_json() == content  # type: ignore[attr-defined]
    with pytest.raises(ValidationError):
        kind.model_validate({**known, "tensor": object()})  # type: ignore[attr-defined]


def test_a_method_says_what_it_did_in_which_order() -> None:
    """Each phase with its epochs and its density at the end."""
    phases = [{"name": name, "epochs": 2, "density": 0.5} for name in ("prune", "fine-tune")]
    record = MethodRecord.model_validate(
        {"type": "prune", "epochs": 4, "phases": phases, "facts": {"explored": 0.4}}
    )

    assert [phase.name for phase in record.phases] == ["prune", "fine-tune"]
    assert record.to_json()["phases"] == phases
