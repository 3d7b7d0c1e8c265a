"""Every command's help shows how it is used."""

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.cli.group import COMMANDS

COMMAND_LINES = [("plugins", "list") if name == "plugins" else (name,) for name in COMMANDS]


@pytest.mark.parametrize("command", COMMAND_LINES, ids=" ".join)
def test_an_example_stands_on_a_line_of_its_own(command: tuple[str, ...]) -> None:
    """To be copied as it is: not folded into the text before it."""
    lines = CliRunner().invoke(cli, [*command, "-h"]).stdout.splitlines()

    assert "  Example:" in lines
    example = lines[lines.index("  Example:") + 1]
    assert example.startswith(f"      safecompress {' '.join(command)} ")
