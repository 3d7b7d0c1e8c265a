"""The command line of the running process."""

import shlex
from pathlib import Path

import click
import pytest

from safecompress_core.cli.command_line import invocation, remember_arguments


@pytest.fixture
def context() -> click.Context:
    """Of a command without anything in it."""
    return click.Context(click.Command("run"))


def test_a_shell_takes_the_line_apart_into_the_same_words(
    context: click.Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options before the command included; the working directory is the current one."""
    monkeypatch.chdir(tmp_path)
    words = ["-v", "run", "my spec.yaml", "--set", "name=it's $HOME"]
    remember_arguments(context, words)

    found = invocation(context)

    assert shlex.split(found.line) == ["safecompress", *words]
    assert found.directory == str(tmp_path)


def test_arguments_are_found_in_a_command_of_the_same_program(context: click.Context) -> None:
    """They were kept where the whole program began."""
    remember_arguments(context, ["audit", "m.onnx"])

    child = click.Context(click.Command("audit"), parent=context)

    assert invocation(child).line == "safecompress audit m.onnx"
