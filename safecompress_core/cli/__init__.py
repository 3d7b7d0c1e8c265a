"""The command line; every command is a module, imported when it is called."""

from safecompress_core.cli.group import cli, main

__all__ = ["cli", "main"]
