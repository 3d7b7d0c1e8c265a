"""Options that several commands have."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from safecompress_core.cli.options import (
    allow_code_option,
    execution_options,
    json_option,
    parent_option,
    plugins_dir_option,
    set_option,
    with_device,
)
from safecompress_core.execution.settings import Execution


def test_set_may_be_repeated_and_keeps_its_order() -> None:
    """Values may contain anything, an equals sign too."""

    @click.command()
    @set_option("Change a field.")
    def command(overrides: tuple[str, ...]) -> None:
        click.echo(repr(overrides))

    run = CliRunner().invoke

    assert run(command, []).output == "()\n"
    assert run(command, ["--set", "b=1", "--set", "a=x=y"]).output == "('b=1', 'a=x=y')\n"
    assert "--set FIELD=VALUE  Change a field." in run(command, ["--help"]).output


def test_a_missing_folder_is_refused_and_code_not_allowed_by_default(
    tmp_path: Path,
) -> None:
    """A folder that does not exist ends the command with click's exit code 2."""

    @click.command()
    @plugins_dir_option
    @allow_code_option()
    def command(plugins_dir: Path | None, allow_code: bool) -> None:
        click.echo(f"{plugins_dir} {allow_code}")

    run = CliRunner().invoke

    assert run(command, []).output == "None False\n"
    given = run(command, ["--plugins-dir", str(tmp_path), "--allow-code"])
    assert given.output == f"{tmp_path} True\n"
    assert run(command, ["--plugins-dir", str(tmp_path / "none")]).exit_code == 2


def test_a_parent_folder_has_a_default_that_help_shows() -> None:
    """The name of the folder's option is the command's."""

    @click.command()
    @parent_option("--into", default="folder", description="Parent.")
    @json_option()
    def command(into: Path, as_json: bool) -> None:
        click.echo(f"{into} {as_json}")

    run = CliRunner().invoke

    assert run(command, []).output == "folder False\n"
    assert run(command, ["--into", "a", "--json"]).output == "a True\n"
    assert "[default: folder]" in run(command, ["--help"]).output


@click.command()
@execution_options("Units at once.")
def executing(execution: Execution) -> None:
    """Print the settings that the options come to."""
    click.echo(repr(execution))


@pytest.mark.parametrize(
    ("given", "execution"),
    [
        ("", Execution()),
        ("--workers 2", Execution(workers=2)),
        (
            "--executor ray --address auto --workers 64",
            Execution(executor="ray", address="auto", workers=64),
        ),
        ("--workers 3 --devices 0,2", Execution(workers=3, devices=(0, 2))),
        ("--executor ray --resources gpu=0.25", Execution(executor="ray", gpu_share=0.25)),
    ],
)
def test_options_of_execution_are_one_argument_of_the_command(
    given: str, execution: Execution
) -> None:
    """Which has checked that they fit each other."""
    assert CliRunner().invoke(executing, given).output == f"{execution!r}\n"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("--workers 0", "0 is not in the range x>=1"),
        ("--executor slurm", "'slurm' is not one of 'local', 'processes', 'ray'"),
        ("--devices 0,b", "'0,b' is no list of numbers; write 0,1,2"),
        ("--resources cpu=2", "'cpu=2' is not understood; write gpu=1, or gpu=0.25"),
        ("--resources gpu=nan", "'gpu=nan' is not understood"),
    ],
)
def test_wrong_options_of_execution_are_usage_errors(given: str, message: str) -> None:
    """Each names its option."""
    outcome = CliRunner().invoke(executing, given)

    assert outcome.exit_code == 2
    assert given.split(maxsplit=1)[0] in outcome.stderr
    assert message in outcome.stderr


def test_device_wins_over_set() -> None:
    """The last change of a field counts, and the option comes last."""
    assert with_device(("device=cpu",), "cuda") == ("device=cpu", "device=cuda")
    assert with_device(("device=cpu",), None) == ("device=cpu",)
