"""What is worked out again from the files of a finished run."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.errors import RunDirectoryError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.results.checksums import record_all_files
from safecompress_core.runs.verify import Status, verify_run


@pytest.fixture(scope="module")
def registry() -> Registry:
    """What is installed."""
    return load_plugins().registry


def odd(run: Path, registry: Registry) -> dict[str, Status]:
    """The checks that are not good."""
    return {one.name: one.status for one in verify_run(run, registry) if one.status != "ok"}


def test_everything_that_a_run_leaves_is_looked_at(finished_run: Path, registry: Registry) -> None:
    """Every model file of the results, and what the results follow from."""
    checks = {one.name: one.status for one in verify_run(finished_run, registry)}

    files = json.loads((finished_run / "results.json").read_text())["files"]
    others = {"pools", "gate", "files"}
    assert set(checks) == {
        *files,
        *(f"results.json: {name}" for name in others),
        *("events.jsonl", "name", "plugins.json", "scores.parquet", "SHA256SUMS"),
    }
    assert set(checks.values()) == {Status.OK}


def test_a_swap_twin_compares_fewer_samples_than_its_pool_has(
    tiny_spec: Path, tmp_path: Path, registry: Registry
) -> None:
    """As many of either side as the smaller one has; a third of the samples are members."""
    changes = {
        "pools.members": 0.3,
        "method.twins": "true",
        "training.epochs": 2,
        "attackers": "[{type: counterfactual}]",
        "audit.attackers": "[{type: loss-threshold}]",
        "gate": "[]",
    }
    options = [f"--set={field}={value}" for field, value in changes.items()]
    outcome = CliRunner().invoke(cli, ["run", str(tiny_spec), f"--runs-dir={tmp_path}", *options])
    assert outcome.exception is None, outcome.stderr
    [run] = tmp_path.glob("tiny-*")

    results = json.loads((run / "results.json").read_text())
    twin = results["rounds"][0]["candidates"][0]["attacks"]["counterfactual"]
    select = results["pools"]["select"]

    assert twin["members"] == twin["non_members"] == select["members"] < select["non_members"]
    assert odd(run, registry) == {}


def test_a_log_without_its_end_is_damaged(finished_run: Path, registry: Registry) -> None:
    """Also if whoever cut it off has recorded it anew."""
    log = finished_run / "events.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    record_all_files(finished_run)

    assert odd(finished_run, registry) == {"events.jsonl": Status.DAMAGED}


def test_damaged_results_are_all_that_is_told(finished_run: Path, registry: Registry) -> None:
    """Nothing can be worked out from them."""
    with (finished_run / "results.json").open("a") as file:
        file.write(" ")

    assert odd(finished_run, registry) == {"results.json": Status.DAMAGED}
    assert len(verify_run(finished_run, registry)) == 1


def test_a_directory_without_results_is_no_finished_run(tmp_path: Path, registry: Registry) -> None:
    """Rather than one that has passed no check."""
    with pytest.raises(RunDirectoryError, match="results.json: no such file; is this a finished"):
        verify_run(tmp_path, registry)
