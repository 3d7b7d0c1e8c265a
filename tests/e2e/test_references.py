"""A whole run whose audit compares with reference models."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.execution.settings import Execution
from safecompress_core.runs.run import FinishedRun, run_spec

pytestmark = pytest.mark.slow

Comparable = Callable[[Any], dict[str, Any]]

CHANGES: dict[str, Any] = {
    "training__epochs": 2,
    "method__rounds": 1,
    "method__strategies": [{"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}],
    "attackers": [{"type": "loss-threshold"}],
    "audit__attackers": [
        {"type": "lira", "references": 4},
        {"type": "lira", "id": "offline", "mode": "offline", "references": 4},
        {"type": "modified-entropy"},
    ],
    "gate": [{"measure": "lira.advantage", "at_most": 0.999}],
}
MODELS = 8  # four as the uncompressed model, four as the compressed one

PLUGIN = """\
from safecompress_core.api import DefenceDef, DefenceParams, hookimpl
from safecompress_core.toolkit import Defence


class NothingParams(DefenceParams):
    '''No parameters.'''


class Nothing(Defence):
    '''Changes nothing.'''

    def __init__(self, params):
        super().__init__()


@hookimpl
def safecompress_defences():
    return [DefenceDef(
        name="nothing", params=NothingParams, target=f"{__name__}:Nothing", summary="Nothing."
    )]
"""

SPEC = """\
version: 1
name: compared
task: {data: {type: handwriting}, model: {type: mlp, hidden: [8]}}
training: {epochs: 1, batch_size: 256}
method: {type: uncompressed, defences: [{type: nothing}]}
audit: {attackers: [{type: calibrated, references: 4}]}
"""


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory, benches: Any) -> Any:
    """The run, undisturbed, in one process."""
    bench = benches(tmp_path_factory.mktemp("audited"))
    return bench, bench.run(**CHANGES)


def shipped(run: Path) -> dict[str, bytes]:
    """Every model file and every reference model's answers, by place."""
    return {str(p.relative_to(run)): p.read_bytes() for p in run.rglob("*.safetensors")}


def test_both_models_are_attacked_with_reference_models_of_their_own_kind(audited: Any) -> None:
    """Judged like any other attack; the null control has them as well."""
    bench, run = audited
    told = [e for e in bench.events if e["event"] == "reference_trained"]

    for part in (run.results, run.results.baseline):
        assert {"lira", "offline", "modified-entropy"} == set(part.audit)
        assert 0 <= part.audit["lira"].auc <= 1
    assert {"lira", "offline"} <= set(run.results.controls.null)
    assert run.results.seconds.references > 0
    assert run.results.references.to_json() == {"models": 4, "method": "replay"}
    assert [e["model"] for e in told] == ["uncompressed"] * 4 + ["compressed"] * 4
    assert bench.events[-1]["done"] == bench.events[-1]["total"]
    assert len(list((run.path / "checkpoints" / "references").iterdir())) == MODELS


def test_a_killed_run_keeps_the_reference_models_that_it_has(
    audited: Any, bench: Any, comparable: Comparable
) -> None:
    """Killed after the third, it trains the other five, and ends with the same bytes."""
    _, undisturbed = audited

    fate = bench.run_elsewhere("runs", killed_at=("reference_trained", 3), **CHANGES)
    assert fate == -signal.SIGKILL
    resumed = bench.run(**CHANGES)

    trained = [event for event in bench.events if event["event"] == "reference_trained"]
    assert len(trained) == MODELS - 3
    assert comparable(resumed) == comparable(undisturbed)
    assert shipped(resumed.path) == shipped(undisturbed.path)
    assert bench.events[-1]["done"] == bench.events[-1]["total"]


@pytest.mark.usefixtures("forked_workers")
def test_the_number_of_workers_changes_nothing(
    audited: Any, bench: Any, comparable: Comparable
) -> None:
    """Two other processes leave the same bytes as this one."""
    _, alone = audited

    shared: FinishedRun = run_spec(
        bench.load(**CHANGES),
        bench.registry,
        runs=bench.folder / "runs",
        observers=bench.events.append,
        execution=Execution(workers=2),
    )

    assert shared.path.name == alone.path.name
    assert comparable(shared) == comparable(alone)
    assert shipped(shared.path) == shipped(alone.path)
    assert list(shared.results.pools.items()) == list(alone.results.pools.items())


@pytest.mark.usefixtures("forked_workers")
def test_other_processes_know_the_single_file_plugins_too(tmp_path: Path) -> None:
    """Each reference model is a line on standard error; the last word is the same as ever."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "nothing.py").write_text(PLUGIN)
    (tmp_path / "spec.yaml").write_text(SPEC)
    command = ["run", str(tmp_path / "spec.yaml"), "--workers", "2", "--device", "cpu", "--json"]
    command += ["--plugins-dir", str(plugins), "--runs-dir", str(tmp_path / "runs")]

    outcome = CliRunner().invoke(cli, command)

    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.stderr
    results = json.loads(outcome.stdout)
    assert results["seconds"]["references"] > 0
    for model in ("uncompressed", "compressed"):
        for number in (1, 2, 3, 4):
            assert f"reference model {number} for the {model} model" in outcome.stderr
