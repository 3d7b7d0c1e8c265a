"""The option ``--set``."""

import click
from click.testing import CliRunner

from safecompress_core.cli.set_option import set_option


def test_it_may_be_repeated_and_keeps_its_order() -> None:
    """Values may hold anything, an equals sign too."""

    @click.command()
    @set_option("Change a field.")
    def command(overrides: tuple[str, ...]) -> None:
        click.echo(repr(overrides))

    run = CliRunner().invoke

    assert run(command, []).output == "()\n"
    assert run(command, ["--set", "b=1", "--set", "a=x=y"]).output == "('b=1', 'a=x=y')\n"
    assert "--set FIELD=VALUE  Change a field." in run(command, ["--help"]).output
