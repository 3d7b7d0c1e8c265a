"""``safecompress schema``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from safecompress_core.cli import cli

PLUGIN = """
from safecompress_core.api import MetricDef, Params, hookimpl

@hookimpl
def safecompress_metrics():
    yield MetricDef(name="acme-metric", params=Params, target="a:B", summary="Counts acmes.")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one plugin."""
    (tmp_path / "acme.py").write_text(PLUGIN)
    return tmp_path


def test_the_schema_has_every_installed_component(folder: Path) -> None:
    """On standard output, as JSON Schema."""
    outcome = CliRunner().invoke(cli, ["schema", "--plugins-dir", str(folder)])

    schema = json.loads(outcome.stdout)
    Draft202012Validator.check_schema(schema)
    about = schema["$defs"]["MetricAcmeMetric"]["properties"]["type"]
    assert (about["const"], about["description"]) == ("acme-metric", "Counts acmes.")
    assert outcome.exit_code == 0


@pytest.mark.parametrize(("content", "key"), [("results", "audit"), ("comparison", "variants")])
def test_results_have_a_schema_too(content: str, key: str) -> None:
    """Both that of ``results.json`` and that of ``comparison.json``."""
    outcome = CliRunner().invoke(cli, ["schema", content])

    schema = json.loads(outcome.stdout)
    Draft202012Validator.check_schema(schema)
    assert key in schema["required"]
    assert outcome.exit_code == 0


def test_a_file_gets_the_same_text(folder: Path) -> None:
    """With a newline at its end, and nothing on standard output."""
    printed = CliRunner().invoke(cli, ["schema", "--plugins-dir", str(folder)])
    file = folder / "schema.json"

    written = CliRunner().invoke(
        cli, ["schema", "--plugins-dir", str(folder), "--output", str(file)]
    )

    assert file.read_text() == printed.stdout
    assert (written.stdout, written.exit_code) == ("", 0)


def test_a_file_that_cannot_be_written_is_exit_code_2(folder: Path) -> None:
    """With the system's reason."""
    target = folder / "acme.py" / "schema.json"

    outcome = CliRunner().invoke(cli, ["schema", "--output", str(target)])

    assert outcome.exit_code == 2
    assert outcome.stderr.endswith(f"error: {target}: cannot be written: File exists\n")


def test_neither_torch_nor_numpy_is_imported() -> None:
    """An editor's schema needs the base install alone."""
    script = (
        "import sys\n"
        "from safecompress_core.cli import cli\n"
        "cli.main(['schema'], standalone_mode=False)\n"
        "print(sorted({'torch', 'numpy', 'scipy', 'sklearn'} & set(sys.modules)))\n"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environ
    )

    assert done.stdout.splitlines()[-1] == "[]"
