"""``safecompress plugins``: what is installed, and where it comes from."""

import json
import sys
from pathlib import Path

import click

from safecompress_core.api import Definition, Kind, role_of
from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import json_option, plugins_dir_option
from safecompress_core.host import Registry

__all__ = ["plugins"]

COLUMNS = ("kind", "role", "name", "summary", "citation", "distribution", "version")


@click.group()
def plugins() -> None:
    """List what plugins provide."""


@plugins.command("list")
@json_option()
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), help="Show one kind.")
@plugins_dir_option
def list_components(as_json: bool, kind: str | None, plugins_dir: Path | None) -> None:
    """List every component that a spec can name.

    \b
    Example:
        safecompress plugins list --kind attacker
    """
    registry = discover_plugins(plugins_dir).registry
    rows = [
        _row(registry, definition)
        for definition in registry
        if kind in {None, definition.kind.value}
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif _is_terminal():
        _print_table(rows)
    else:
        click.echo("\t".join(COLUMNS))
        for row in rows:
            # Tabs: the output is for `cut` and spreadsheets.
            click.echo("\t".join(row[column] or "" for column in COLUMNS))


def _is_terminal() -> bool:
    # A function of its own, which tests replace.
    return sys.stdout.isatty()


def _row(registry: Registry, definition: Definition) -> dict[str, str | None]:
    origin, role = registry.origin(definition), role_of(definition)
    return {
        "kind": definition.kind.value,
        "role": role.value if role else None,
        "name": definition.name,
        "summary": definition.summary,
        "citation": definition.cites,
        "distribution": origin.distribution,
        "version": origin.version,
    }


def _print_table(rows: list[dict[str, str | None]]) -> None:
    from rich.table import Table

    from safecompress_core.cli.display.consoles import (
        output_console,  # 80 ms, and only a terminal needs it
    )

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("kind", "name", "summary", "citation", "from"):
        # Names are never broken, since they are copied into specs.
        table.add_column(column, no_wrap=column in {"kind", "name"})
    for row in rows:
        kind = f"{row['kind']}: {row['role']}" if row["role"] else row["kind"]
        source = f"{row['distribution']} {row['version']}"
        table.add_row(kind, row["name"], row["summary"], row["citation"], source)
    output_console().print(table)
