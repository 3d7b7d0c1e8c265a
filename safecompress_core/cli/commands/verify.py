"""``safecompress verify``: whether a run or an export still is what was left."""

import json
from pathlib import Path

import click

from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import json_option, plugins_dir_option

__all__ = ["verify"]

DAMAGED = 1


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option()
@plugins_dir_option
@click.pass_context
def verify(context: click.Context, run: Path, as_json: bool, plugins_dir: Path | None) -> None:
    """Check a finished run: hashes, densities, counts, verdicts, and its name.

    An export is checked likewise: each of its files is the one that was measured.

    Everything is recomputed from the files; nothing is trained and no data is loaded. Exit code 1
    on any mismatch.

    \b
    Example:
        safecompress verify runs/multi-attack-*
    """
    from safecompress_core.export.verify_export import is_export, verify_export
    from safecompress_core.runs.verify import Status, verify_run

    checks = (
        verify_export(run)
        if is_export(run)
        else verify_run(run, discover_plugins(plugins_dir).registry)
    )
    damaged = sum(check.status is Status.DAMAGED for check in checks)
    if as_json:
        listed = [
            {"check": check.name, "status": str(check.status), "message": check.message}
            for check in checks
        ]
        document = {"run": str(run), "passed": not damaged, "checks": listed}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        from rich.table import Table
        from rich.text import Text

        from safecompress_core.cli.display.consoles import output_console

        styles = {Status.OK: "green", Status.WARNING: "yellow", Status.DAMAGED: "bold red"}
        table = Table.grid(padding=(0, 2, 0, 0))
        for check in checks:
            mark = Text(str(check.status), style=styles[check.status])
            table.add_row(mark, Text(check.name, overflow="fold"), Text(check.message))
        output_console(markup=True).print(table)
        count = "everything fits" if not damaged else f"{damaged} of {len(checks)} checks failed"
        click.echo(f"{run}: {count}")
    # Warnings do not change the exit code.
    if damaged:
        context.exit(DAMAGED)
