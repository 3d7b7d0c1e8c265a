"""``safecompress schema``: the JSON Schema of specs, for editors, and of results."""

import json
from pathlib import Path
from typing import Any

import click

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import plugins_dir_option
from safecompress_core.specfile.schema import spec_schema

__all__ = ["schema"]


@click.command()
@click.argument(
    "content",
    type=click.Choice(["spec", "results", "comparison", "export"]),
    default="spec",
    required=False,
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of standard output.",
)
@plugins_dir_option
def schema(content: str, output: Path | None, plugins_dir: Path | None) -> None:
    """Print the JSON Schema of a spec, with every component that is installed.

    With `results`, `comparison` or `export`, that of the file of this name (`results.json`).

    \b
    Example:
        safecompress schema --output specs/schema.json
        safecompress schema results
    """
    text = json.dumps(_schema_of(content, plugins_dir), indent=2, ensure_ascii=False)
    if output is None:
        click.echo(text)
        return
    # Whole or not at all, since editors read the file at any time.
    write_bytes(output, f"{text}\n".encode())


def _schema_of(content: str, plugins_dir: Path | None) -> dict[str, Any]:
    if content == "spec":
        return spec_schema(discover_plugins(plugins_dir).registry)
    from safecompress_core.results.schema import comparison_schema, export_schema, results_schema

    schemas = {"results": results_schema, "comparison": comparison_schema, "export": export_schema}
    return schemas[content]()
