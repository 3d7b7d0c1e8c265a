"""Gates that compare with earlier results: the worst attacks, and the interval of a difference."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.host import load_plugins
from safecompress_core.results.directory import write_json
from safecompress_core.results.schema import EarlierFigureRecord, Results
from safecompress_core.runs.relative_gates import compare_with_earlier
from safecompress_core.runs.verify import Status, verify_run
from safecompress_core.specfile.models.run_spec import Gate
from tests.core.fixtures.records import attack_record, edited, estimate
from tests.core.fixtures.results import run_results


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    """Earlier results: accuracy 0.40, and attacks of advantage 0.20 and 0.18."""
    file = tmp_path / "baseline.json"
    write_json(file, run_results().to_json())
    return file


def compare(
    results: Results, file: Path, measure: str, *, higher_is_better: bool = False, **values: Any
) -> EarlierFigureRecord:
    """Return the comparison of one measure."""
    gate = Gate.model_validate({"measure": measure, "no_worse_than": str(file), **values})
    found = compare_with_earlier([gate], results, higher_is_better={measure: higher_is_better})
    return found[0]


def test_the_difference_of_two_attacks_has_the_interval_of_independent_samples(
    baseline: Path,
) -> None:
    """Squared distances of the ends add up: 0.1 and 0.1 to 0.1414 (Zou & Donner 2008)."""
    attack = attack_record("membership", 0.35, advantage_interval=(0.25, 0.45))
    results = edited(run_results(), {"audit": {"entropy": attack.to_json()}})

    found = compare(results, baseline, "membership.advantage")

    assert found.name == "trial"
    assert found.attacks == ("entropy", "loss")
    assert (found.value, found.interval) == (0.2, (0.1, 0.3))
    assert found.worse_by == pytest.approx(0.15)
    assert found.worse_by_interval == pytest.approx((0.15 - 0.02**0.5, 0.15 + 0.02**0.5))
    assert not found.paired


def test_where_higher_is_better_a_lower_figure_is_worse(baseline: Path) -> None:
    """Accuracy that fell from 0.40 to 0.30 is worse by 0.10."""
    results = edited(run_results(), {"metrics": {"accuracy": estimate(0.3).to_json()}})

    found = compare(results, baseline, "accuracy", higher_is_better=True)

    assert found.worse_by == pytest.approx(0.1)
    assert found.attacks is None


def test_what_has_no_sampling_error_is_compared_as_it_is(baseline: Path) -> None:
    """The size of a file."""
    results = edited(run_results(), {"model": {"file_bytes": 1200}})

    found = compare(results, baseline, "model.file_bytes")

    assert (found.worse_by, found.worse_by_interval) == (200.0, (200.0, 200.0))


@pytest.mark.parametrize(("against", "attack"), [("interval", "entropy"), ("estimate", "loss")])
def test_the_attack_that_would_fail_the_gate_first_is_the_one_that_is_compared(
    baseline: Path, against: str, attack: str
) -> None:
    """By interval an unsure attack, though another one has the higher estimate."""
    unsure = attack_record("membership", 0.15, advantage_interval=(0.0, 0.6))
    results = edited(run_results(), {"audit": {"entropy": unsure.to_json()}})

    found = compare(results, baseline, "membership.advantage", against=against)

    assert found.attacks == (attack, "loss")


@pytest.mark.slow
def test_a_run_compared_with_itself_meets_its_relative_gates(
    tiny_spec: Path, finished_run: Path, tmp_path: Path
) -> None:
    """Verify works the verdicts out again, and a changed file of earlier results is noticed."""
    file = tmp_path / "baseline.json"
    file.write_bytes((finished_run / "results.json").read_bytes())
    gates = [
        {"measure": "membership.advantage", "no_worse_than": str(file), "margin": 0.5},
        {"measure": "accuracy", "no_worse_than": str(file), "against": "estimate"},
        {"measure": "model.file_bytes", "no_worse_than": str(file)},
    ]
    options = [
        "--device=cpu",
        f"--runs-dir={tmp_path / 'again'}",
        f"--set=gate={json.dumps(gates)}",
    ]
    command = ["run", str(tiny_spec), *options]

    outcome = CliRunner().invoke(cli, command)

    assert outcome.exit_code == 0, outcome.stderr
    [run] = (tmp_path / "again").iterdir()
    record = json.loads((run / "results.json").read_text(encoding="utf-8"))
    assert [gate["earlier"]["worse_by"] for gate in record["gate"]] == [0.0, 0.0, 0.0]
    checks = verify_run(run, load_plugins().registry)
    assert {check.status for check in checks} == {Status.OK}
    file.write_text(file.read_text(encoding="utf-8") + " ", encoding="utf-8")
    again = CliRunner().invoke(cli, command)
    assert again.exit_code == 2
    assert f"changed since this run began: {file} (gate.0.no_worse_than)" in again.stderr
