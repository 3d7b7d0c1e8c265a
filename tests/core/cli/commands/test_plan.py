"""``safecompress plan``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli

SPEC = """
version: 1
name: planned
device: cpu
task:
  data: {type: made-up, samples: 1000, classes: 4, shape: [6]}
  model: {type: mlp, hidden: [8]}
training: {epochs: 3, batch_size: 100, precision: float32}
method: {type: uncompressed}
audit:
  attackers: [{type: entropy}]
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A small one."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def test_it_shows_work_files_and_what_costs_identity(spec: Path) -> None:
    """In a table, for people."""
    result = CliRunner().invoke(cli, ["plan", str(spec), "--set", "training.compile=true"])

    assert result.exit_code == 0, result.output
    words = " ".join(result.stdout.split())
    assert "500 members in 5 steps an epoch, batches of 100" in words
    assert "uncompressed model 1 3" in words
    assert "in all 6" in words
    assert "training.compile: generated code rounds in its own way" in words
    assert "events.jsonl" in words
    assert "How long it takes: add --measure" in words


def test_its_json_holds_the_same(spec: Path) -> None:
    """For machines; what is not known is null."""
    result = CliRunner().invoke(cli, ["plan", str(spec), "--json"])

    found = json.loads(result.stdout)
    assert (found["epochs"], found["members"], found["steps"]) == (6, 500, 5)
    assert [job["name"] for job in found["jobs"]] == [
        *("uncompressed model", "method uncompressed", "audit"),
    ]
    assert found["directory"].startswith("planned-")
    assert "measured" not in found


def test_measuring_tells_what_a_step_costs(spec: Path) -> None:
    """Time and memory, and what all steps would take."""
    result = CliRunner().invoke(cli, ["plan", str(spec), "--measure"])

    assert result.exit_code == 0, result.output
    assert "92 parameters, 80 multiplications a sample, float32" in result.stdout
    assert "a step of 100 samples:" in result.stdout
    assert "all training at this pace:" in result.stdout


def test_measuring_counts_samples_that_only_the_data_tell(tmp_path: Path) -> None:
    """A table of 60 rows, half of them members, in batches of 16: two steps of an epoch."""
    rows = [f"{number % 7},{number % 5},{'no' if number % 2 else 'yes'}" for number in range(60)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,label", *rows]))
    data = f"{{type: csv, path: {tmp_path / 'rows.csv'}, target: label}}"
    spec = tmp_path / "spec.yaml"
    made_up = "{type: made-up, samples: 1000, classes: 4, shape: [6]}"
    spec.write_text(SPEC.replace(made_up, data).replace("batch_size: 100", "batch_size: 16"))

    result = CliRunner().invoke(cli, ["plan", str(spec), "--measure"])

    assert result.exit_code == 0, result.output
    assert "30 members in 2 steps an epoch, batches of 16" in " ".join(result.stdout.split())
    assert "all training at this pace:" in result.stdout


def test_an_invalid_spec_is_not_planned(spec: Path) -> None:
    """It has problems, as everywhere."""
    result = CliRunner().invoke(cli, ["plan", str(spec), "--set", "training.epochs=0"])

    assert result.exit_code == 1
    assert "training.epochs" in result.stderr


RACE = """{type: test-driven, density: 0.5, rounds: 3, field: [2, 1], twins: %s, strategies: [
  {prune: {type: magnitude}, grow: {type: random}},
  {prune: {type: magnitude}, grow: {type: gradient}}]}"""


def test_a_race_shows_its_field_and_what_its_rounds_cost(spec: Path) -> None:
    """Two lineages for one epoch of three, then one; twice that with twins."""
    race = "field: 2, 1, 1 lineages; 1.33 trainings"
    selecting = "attackers=[{type: loss-threshold}]"
    changes = ["--set", f"method={RACE % 'false'}", "--set", selecting]
    result = CliRunner().invoke(cli, ["plan", str(spec), *changes])
    assert result.exit_code == 0, result.output
    assert f"{race}\n" in result.stdout

    selecting = "attackers=[{type: counterfactual}]"
    changes = ["--set", f"method={RACE % 'true'}", "--set", selecting]
    result = CliRunner().invoke(cli, ["plan", str(spec), *changes])
    assert result.exit_code == 0, result.output
    assert "field: 2, 1, 1 lineages; 2.67 trainings with twins\n" in result.stdout


def test_a_single_lineage_and_many_rounds_are_shown_in_brief(spec: Path) -> None:
    """A table of a terminal has no room for each round, here of three candidates."""
    method = RACE.replace("field: [2, 1], ", "field: 1, ") % "false"
    changes = ["--set", f"method={method}", "--set", "method.rounds=20"]
    changes += ["--set", "training.epochs=20", "--set", "attackers=[{type: loss-threshold}]"]
    result = CliRunner().invoke(cli, ["plan", str(spec), *changes])

    assert result.exit_code == 0, result.output
    assert "field: 1 lineage; 3 trainings\n" in result.stdout
    assert "20×3" in result.stdout
