"""Power of an audit on a terminal."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli

GATES = (
    "[{measure: accuracy, at_least: 0.3}, {measure: membership.advantage, at_most: 0.05}, "
    "{measure: membership.auc, no_worse_than: old.json, margin: 0.3}, "
    "{measure: model.file_bytes, at_most: 40000}]"
)


@pytest.fixture
def output(tiny_spec: Path) -> str:
    """What is printed for a spec with four gates, on one line."""
    result = CliRunner().invoke(cli, ["plan", str(tiny_spec), "--power", "--set", f"gate={GATES}"])
    assert result.exit_code == 0, result.stderr
    return " ".join(result.stdout.split())


def test_pools_intervals_and_what_can_be_resolved_are_shown(output: str) -> None:
    """In tables, with the limits on false positives below."""
    assert "pool audit: 269 members and 270 non-members, of 1,797 samples" in output
    assert "advantage" in output
    assert "TPR at 1 % FPR not resolvable not resolvable not resolvable" in output
    assert "leak that shows gate at_most margin to earlier results" in output
    assert (
        "✗ False positives of at most 1 % take 1,000 non-members in the pool audit, about 6,656 "
        "samples in all with these shares."
    ) in output
    assert "An advantage within ±0.1 takes" in output


def test_each_gate_says_what_would_meet_it(output: str) -> None:
    """With a mark of whether a model that deserves it meets it."""
    assert "✓ accuracy at least 0.3: met by an estimate of at least 0.359" in output
    assert "✗ membership.advantage at most 0.05: no estimate meets it." in output
    assert "A model without leakage meets it in" in output
    assert "✓ membership.auc margin 0.3: an equal model meets it in 100 % of all audits." in output
    assert "· model.file_bytes at most 40000: it has no sampling error" in output


def test_as_json_it_is_one_document(tiny_spec: Path) -> None:
    """For machines."""
    result = CliRunner().invoke(cli, ["plan", str(tiny_spec), "--power", "--json"])

    assert json.loads(result.stdout)["pool"] == {
        "members": 269,
        "non_members": 270,
        "attacks": 1,
    }


def test_it_is_instead_of_the_plan_of_the_work(tiny_spec: Path) -> None:
    """Which trains steps, and so has nothing to do with it."""
    result = CliRunner().invoke(cli, ["plan", str(tiny_spec), "--power", "--measure"])

    assert result.exit_code == 2
    assert "give either --measure or --power" in result.stderr
