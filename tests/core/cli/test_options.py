"""Options that several commands have."""

from pathlib import Path

import click
from click.testing import CliRunner

from safecompress_core.cli.options import (
    allow_code_option,
    json_option,
    parent_option,
    plugins_dir_option,
    set_option,
    with_device,
    workers_option,
)


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


def test_a_parent_folder_and_workers_have_defaults_that_help_shows() -> None:
    """The name of the folder's option is the command's; fewer than one worker is an error."""

    @click.command()
    @parent_option("--into", default="folder", description="Parent.")
    @workers_option("Processes.")
    @json_option()
    def command(into: Path, workers: int, as_json: bool) -> None:
        click.echo(f"{into} {workers} {as_json}")

    run = CliRunner().invoke

    assert run(command, []).output == "folder 1 False\n"
    assert run(command, ["--into", "a", "--workers", "2", "--json"]).output == "a 2 True\n"
    assert run(command, ["--workers", "0"]).exit_code == 2
    assert "[default: folder]" in run(command, ["--help"]).output


def test_device_wins_over_set() -> None:
    """The last change of a field counts, and the option comes last."""
    assert with_device(("device=cpu",), "cuda") == ("device=cpu", "device=cuda")
    assert with_device(("device=cpu",), None) == ("device=cpu",)
