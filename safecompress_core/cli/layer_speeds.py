"""Speed of a model's layers for ``safecompress inspect --speed``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from safecompress_core.cli.discovery import discover_plugins

__all__ = ["print_layer_speeds"]

MILLISECONDS = 1000  # in a second


def print_layer_speeds(
    file: Path, *, batch: int, as_json: bool, plugins_dir: Path | None, allow_code: bool
) -> None:
    """Print what is faster of each layer of a model file: dense, or with sparse rows.

    Raises:
        StorageError: if the file cannot be read, or its model cannot be made.
    """
    from safecompress_core.runs.layer_speeds import measure_layers

    registry = discover_plugins(plugins_dir).registry
    content = measure_layers(file, batch=batch, registry=registry, allow_code=allow_code)
    if as_json:
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        _print(content)


def _print(content: Mapping[str, Any]) -> None:
    from safecompress_core.cli.display.consoles import output_console
    from safecompress_core.cli.display.tables import draw_table
    from safecompress_core.report.formatting import format_fraction
    from safecompress_core.report.summary import Cell, ResultTable, Row

    console = output_console()
    rows = tuple(
        Row(
            layer["name"],
            (
                Cell(format_fraction(layer["density"])),
                Cell(_milliseconds(layer["dense_seconds"])),
                Cell("—" if layer["csr_seconds"] is None else _milliseconds(layer["csr_seconds"])),
                Cell(layer["chosen"]),
            ),
        )
        for layer in content["layers"]
    )
    samples = "1 sample" if content["batch"] == 1 else f"{content['batch']:,} samples"
    threads = "1 thread" if content["threads"] == 1 else f"{content['threads']} threads"
    title = f"Milliseconds for {samples} on {threads}"
    console.print(
        draw_table(ResultTable(title, ("density", "dense", "sparse rows", "fastest"), rows))
    )
    console.print(_dead_channels(content), soft_wrap=True)
    console.print(_total(content), soft_wrap=True)


def _dead_channels(content: Mapping[str, Any]) -> str:
    removed = content["dead_channels"]
    if content["dead_channels_kept"]:
        return f"Dead channels were not looked for: {content['dead_channels_kept']}."
    if not removed:
        return "There are no dead channels."
    listed = ", ".join(f"{count:,} of {name}" for name, count in removed.items())
    return f"Dead channels, left out of the table: {listed}."


def _total(content: Mapping[str, Any]) -> str:
    before, after = content["seconds"], content["fastest_seconds"]
    if after >= before:
        return f"The whole model: {_milliseconds(before)} ms; nothing is faster than dense layers."
    return (
        f"The whole model: {_milliseconds(before)} ms as it is, {_milliseconds(after)} ms in its "
        f"fastest form, {before / after:.1f} times as fast."
    )


def _milliseconds(seconds: float) -> str:
    from safecompress_core.report.formatting import format_number

    return format_number(seconds * MILLISECONDS)
