"""``safecompress validate``."""

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from safecompress_core.cli import cli

PLUGIN = """
from safecompress_core.api import (
    BLACK_BOX, AggregatorDef, AttackerDef, AttackerParams, DataDef, MethodDef, MethodParams,
    MetricDef, ModelDef, Params, hookimpl,
)

WHERE = {"target": "acme:Acme", "summary": "Trial."}

@hookimpl
def safecompress_data():
    yield DataDef(name="acme-data", params=Params, **WHERE)

@hookimpl
def safecompress_models():
    yield ModelDef(name="acme-model", params=Params, **WHERE)

@hookimpl
def safecompress_methods():
    yield MethodDef(name="acme-method", params=MethodParams, **WHERE)

@hookimpl
def safecompress_metrics():
    yield MetricDef(name="acme-metric", params=Params, **WHERE)

@hookimpl
def safecompress_aggregators():
    yield AggregatorDef(name="acme-rule", params=Params, **WHERE)

@hookimpl
def safecompress_attackers():
    yield AttackerDef(
        name="acme-attack", params=AttackerParams, game="membership",
        needs=BLACK_BOX, **WHERE,
    )
"""

SPEC = """\
version: 1
name: trial
task: {data: {type: acme-data}, model: {type: acme-model}}
method: {type: acme-method}
metrics: [{type: acme-metric}]
choose: {type: acme-rule}
attackers: [{type: acme-attack}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a plugin folder and a good spec."""
    monkeypatch.chdir(tmp_path)
    # What else is installed here must not show up in a message.
    own = importlib.metadata.distribution("safecompress")
    monkeypatch.setattr("safecompress_core.host.sources.distributions", lambda: [own])
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "acme.py").write_text(PLUGIN)
    (tmp_path / "good.yaml").write_text(SPEC)
    return tmp_path


def validated(*arguments: str) -> Result:
    """The outcome of ``safecompress validate`` with the plugin folder."""
    return CliRunner().invoke(cli, ["validate", "--plugins-dir", "plugins", *arguments])


def test_a_good_spec_is_told_on_standard_error(folder: Path) -> None:
    """Standard output is for problems, and there are none."""
    outcome = validated("good.yaml")

    assert outcome.stdout == ""
    assert outcome.stderr == "1 spec is valid\n"
    assert outcome.exit_code == 0


def test_every_problem_of_every_spec_is_told(folder: Path) -> None:
    """With the count, and exit code 1."""
    (folder / "bad.yaml").write_text(SPEC.replace("acme-attack", "acme-atack") + "seed: -1\n")

    outcome = validated("good.yaml", "bad.yaml", "missing.yaml")

    assert outcome.stdout.splitlines() == [
        "bad.yaml:7:20: attackers.0.type: no attacker is called 'acme-atack'; "
        "did you mean 'acme-attack'?",
        "bad.yaml:8:7: seed: -1 is less than 0; write a number of at least 0",
        "missing.yaml:1:1: there is no file 'missing.yaml'; check the path",
    ]
    assert outcome.stderr == "3 problems in 2 of 3 specs\n"
    assert outcome.exit_code == 1


def test_an_override_applies_to_every_spec_and_is_told_once(folder: Path) -> None:
    """The same mistake in each is one mistake."""
    (folder / "second.yaml").write_text(SPEC)

    outcome = validated("good.yaml", "second.yaml", "--set", "training.epochs=many")

    assert outcome.stdout.splitlines() == [
        "--set training.epochs=many:1:17: training.epochs: 'many' is not a whole number; "
        "write a whole number"
    ]
    assert outcome.stderr == "1 problem in 2 of 2 specs\n"
    assert validated("good.yaml", "--set", "training.epochs=3").exit_code == 0


def test_a_broken_plugin_is_a_warning_and_part_of_the_answer(folder: Path) -> None:
    """A spec with an unknown component names the plugin; other specs are valid."""
    (folder / "plugins" / "bolt.py").write_text("import bolt_core")
    (folder / "bad.yaml").write_text(SPEC.replace("acme-attack", "bolt-attack"))

    good, bad = validated("good.yaml"), validated("bad.yaml")

    assert good.exit_code == 0
    assert good.stderr.startswith("warning: skipped plugin plugins sha256:")
    first, second = bad.stdout.splitlines()
    assert "no attacker is called 'bolt-attack'" in first
    assert second.startswith("    1 plugin was skipped, and may have provided it: plugins sha256:")
    assert second.endswith("bolt.py (ModuleNotFoundError: No module named 'bolt_core')")


@pytest.mark.parametrize("output_format", ["json", "sarif", "github"])
def test_machines_read_standard_output_alone(folder: Path, output_format: str) -> None:
    """The summary does not get in their way."""
    outcome = validated("good.yaml", "--set", "seed=-1", "--format", output_format)

    if output_format == "github":
        assert outcome.stdout.startswith("::error title=seed::--set seed=-1: ")
    else:
        assert "-1 is less than 0" in json.dumps(json.loads(outcome.stdout))
    assert outcome.exit_code == 1


@pytest.mark.parametrize(
    "arguments", [[], ["good.yaml", "--format", "xml"], ["good.yaml", "--plugins-dir", "nowhere"]]
)
def test_what_the_tool_cannot_do_is_exit_code_2(folder: Path, arguments: list[str]) -> None:
    """A usage error states nothing about the specs."""
    outcome = validated(*arguments)

    assert outcome.exit_code == 2
    assert outcome.stdout == ""


def test_two_plugins_of_one_name_are_exit_code_2(folder: Path) -> None:
    """No spec can be judged while a name has two meanings."""
    (folder / "plugins" / "twin.py").write_text(PLUGIN)

    outcome = validated("good.yaml")

    assert outcome.exit_code == 2
    assert "already defined by" in outcome.stderr


def test_neither_torch_nor_numpy_is_imported(folder: Path) -> None:
    """Validation has to work with the base install, and to be quick."""
    script = (
        "import sys\n"
        "from safecompress_core.cli import cli\n"
        "code = cli.main(['validate', '--plugins-dir', 'plugins', 'good.yaml', '--set', 'seed=3'],"
        " standalone_mode=False)\n"
        "heavy = {'torch', 'numpy', 'scipy', 'sklearn', 'rich'} & set(sys.modules)\n"
        "print(code or 0, sorted(heavy))\n"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environ
    )

    assert done.stdout.splitlines() == ["0 []"]
    assert done.stderr.splitlines()[-1] == "1 spec is valid"
