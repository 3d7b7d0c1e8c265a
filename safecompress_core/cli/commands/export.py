"""``safecompress export``: a model of a run in another format, checked on the written file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import (
    EXPORTS,
    allow_code_option,
    json_option,
    plugins_dir_option,
    set_option,
)
from safecompress_core.errors import ExportCheckError

if TYPE_CHECKING:
    from safecompress_core.results.schema import ExportRecord

__all__ = ["export"]

CHECK_FAILED = 1

existing = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("model", type=existing)
@click.option("--to", "form", required=True, metavar="FORMAT", help="The format, such as onnx.")
@click.option(
    "--run",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The run of a model file that lies elsewhere.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Directory of the export, which must not exist.  [default: exports/RUN-FORMAT]",
)
@set_option("Set a parameter of the exporter: --set tolerance=0.01. May be repeated.")
@json_option("Print export.json.")
@allow_code_option("Let the run's spec and the model's file import and run code that they name.")
@plugins_dir_option
@click.pass_context
def export(
    context: click.Context,
    *,
    model: Path,
    form: str,
    run: Path | None,
    output: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
    allow_code: bool,
    plugins_dir: Path | None,
) -> None:
    """Write a model of a run in another format, and measure the file.

    MODEL is a run directory, which stands for its chosen model, or the file of another of its
    models. The written file is asked about the audit pool, attacked as the run's audit attacks, and
    timed. Exit code 1 if its answers differ from the model's by more than is accepted; then nothing
    is kept.

    \b
    Example:
        safecompress export runs/multi-attack-* --to onnx
    """
    from safecompress_core.specfile.single_component import load_exporter

    host = discover_plugins(plugins_dir)
    # Before torch is loaded: a wrong format or parameter is reported at once.
    params = load_exporter(
        form,
        overrides=overrides,
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    from safecompress_core.export.export_model import export_model
    from safecompress_core.export.run_model import locate_model, open_run_model

    directory, file = locate_model(model, run)
    opened = open_run_model(directory, file, host.registry, allow_code=allow_code)
    place = output or EXPORTS / f"{opened.short_name}-{form}"
    try:
        finished = export_model(opened, params, host.registry, output=place)
    except ExportCheckError as error:
        if error.record is not None:
            _print(error.record, as_json=as_json)
        click.echo(f"error: {error}", err=True)
        context.exit(CHECK_FAILED)
    _print(finished.record, as_json=as_json)
    if not as_json:
        from safecompress_core.cli.display.tables import print_places

        print_places({"export": finished.path, "card": finished.path / "README.md"})


def _print(record: "ExportRecord", *, as_json: bool) -> None:
    """Print the figures to standard output."""
    if as_json:
        click.echo(json.dumps(record.to_json(), indent=2, ensure_ascii=False))
        return
    from safecompress_core.cli.display.consoles import output_console
    from safecompress_core.cli.display.export_table import export_findings, export_table
    from safecompress_core.cli.display.tables import draw_table, print_findings

    console = output_console(markup=True)
    console.print(draw_table(export_table(record)))
    console.print()
    print_findings(console, tuple(export_findings(record)))
