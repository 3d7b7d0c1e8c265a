"""Runs whose audit has reference models, from the command line."""

import json
from pathlib import Path

from click.testing import CliRunner

from safecompress_core.cli import cli

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


def test_less_than_one_worker_is_refused(tmp_path: Path) -> None:
    """Nobody would do the work."""
    outcome = CliRunner().invoke(cli, ["run", "spec.yaml", "--workers", "0"])

    assert outcome.exit_code == 2
    assert "--workers" in outcome.stderr
