"""Summary of a spec's model for ``safecompress inspect``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.specfile.load import load_spec

__all__ = ["print_model_summary"]


def print_model_summary(
    spec: Path, *, as_json: bool, plugins_dir: Path | None, allow_code: bool
) -> None:
    """Print what the model of a spec is made of.

    Raises:
        SpecError: if the spec is invalid, or its data or model cannot be had.
    """
    host = discover_plugins(plugins_dir)
    loaded = load_spec(spec, registry=host.registry, skipped=host.skipped, allow_code=allow_code)
    from safecompress_core.context.model_summary import summarise_model
    from safecompress_core.context.run_context import build_run_context
    from safecompress_core.preflight.run_checks import require_buildable

    run_context = build_run_context(loaded, host.registry)
    # A clear message instead of an error from within torch.
    require_buildable(run_context)
    summary = summarise_model(run_context)
    if as_json:
        click.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        _print(summary)


def _print(summary: Mapping[str, Any]) -> None:
    from safecompress_core.cli.display.consoles import output_console
    from safecompress_core.cli.display.tables import draw_table
    from safecompress_core.report.summary import Cell, ResultTable, Row

    console = output_console()
    modules = tuple(
        Row(module["name"], (Cell(module["layer"]), Cell(_shape(module["shape"]))))
        for module in summary["representations"]
    )
    console.print(
        draw_table(ResultTable("May be the representation", ("layer", "puts out"), modules))
    )
    weights = tuple(
        Row(layer["name"], (Cell(_shape(layer["shape"])), Cell(f"{layer['weights']:,}")))
        for layer in summary["sparse"]
    )
    console.print(draw_table(ResultTable("May be sparse", ("shape", "weights"), weights)))
    console.print(
        f"{summary['sparse_weights']:,} of {summary['parameters']:,} parameters may be sparse.\n"
        f"The representation has {summary['representation']:,} values; "
        f"the logits come from {summary['head']!r}."
    )


def _shape(shape: list[int]) -> str:
    return " × ".join(map(str, shape))
