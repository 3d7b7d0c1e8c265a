"""The top level of results.json."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from safecompress_core.results.schema import ControlsRecord, Results, format_errors
from tests.core.fixtures.records import control_values, gate_record


@pytest.fixture
def content(request: pytest.FixtureRequest) -> dict[str, object]:
    """Results of a run as JSON."""
    # Asked for by name, since the base environment cannot make the run.
    pytest.importorskip("torch", reason="a run needs torch")
    finished_run: Path = request.getfixturevalue("finished_run")
    found: dict[str, object] = json.loads((finished_run / "results.json").read_text())
    return found


def test_results_of_a_run_are_the_same_when_they_are_written_again(
    content: dict[str, object],
) -> None:
    """Key by key: nothing is dropped and nothing is added."""
    assert Results.model_validate(content).to_json() == content


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 0}, "version: Input should be 1"),
        ({"verdict": "good"}, "verdict: Extra inputs are not permitted"),
        ({"seed": "three"}, "seed: Input should be a valid integer"),
    ],
)
def test_results_of_another_shape_are_refused(
    content: dict[str, object], change: dict[str, object], message: str
) -> None:
    """With the field and the rule."""
    with pytest.raises(ValidationError) as refused:
        Results.model_validate({**content, **change})

    assert message in format_errors(refused.value)


def test_a_gate_has_a_bound_and_what_was_held_against_it() -> None:
    """Null for the bound that it has not; the uncompressed model's outcome where there is one."""
    record = gate_record("accuracy", 0.6, 0.55, passed=True, at_least=0.5)

    assert record.to_json()["at_most"] is None
    assert (record.value, record.held, record.baseline) == (0.6, 0.55, None)


def test_controls_are_by_attack() -> None:
    """Each has its outcome and its number of samples."""
    record = ControlsRecord.model_validate(
        {
            "null": {"loss": control_values(0.5, 0.4, 0.6)},
            "planted": {"loss": control_values(0.6, 0.5, 0.7, passed=False)},
        }
    )

    assert record.null["loss"].passed
    assert not record.planted["loss"].passed
    assert record.planted["loss"].members == 10
