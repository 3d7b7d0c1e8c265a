"""Command line of the running process, as a shell would take it again."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from safecompress_core.results.command_line import Invocation

__all__ = ["invocation", "remember_arguments"]

ARGUMENTS = f"{__name__}.arguments"


def remember_arguments(context: click.Context, arguments: Sequence[str]) -> None:
    """Keep the arguments of the whole command, before click takes them apart."""
    # click consumes the list that it parses, so it is copied.
    context.meta[ARGUMENTS] = tuple(arguments)


def invocation(context: click.Context) -> "Invocation":
    """Return the command line as it was given, options before the command included."""
    from pathlib import Path

    from safecompress_core.results.command_line import Invocation

    arguments = context.meta.get(ARGUMENTS, ())
    # shlex.join quotes for a POSIX shell, where the line can be pasted.
    return Invocation(line=shlex.join(["safecompress", *arguments]), directory=str(Path.cwd()))
