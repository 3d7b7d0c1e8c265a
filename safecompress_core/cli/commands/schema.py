"""``safecompress schema``: the JSON Schema of specs, for editors."""

import json
from pathlib import Path

import click

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.cli.discovery import discover_plugins, plugins_dir_option
from safecompress_core.specfile.schema import spec_schema

__all__ = ["schema"]


@click.command()
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)
@plugins_dir_option
def schema(output: Path | None, plugins_dir: Path | None) -> None:
    """Print the JSON Schema of a spec, with every component that is installed.

    \b
    Example:
        safecompress schema --output specs/schema.json
    """
    host = discover_plugins(plugins_dir)
    text = json.dumps(spec_schema(host.registry), indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    # Whole or not at all, since editors read the file at any time.
    write_bytes(output, f"{text}\n".encode())
