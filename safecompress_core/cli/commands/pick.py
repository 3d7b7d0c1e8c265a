"""``safecompress pick``: another model of a run's archive, without training again."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from safecompress_core.cli.archive_entries import (
    Preference,
    archive_table,
    find_entry,
    pick_entry,
)
from safecompress_core.cli.options import json_option
from safecompress_core.errors import RunDirectoryError

if TYPE_CHECKING:
    from safecompress_core.results.schema import ArchiveRecord, Results

__all__ = ["pick"]

RESULTS = "results.json"


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--prefer",
    type=click.Choice(["safety", "performance", "balanced"]),
    help="Safety: the worst attack succeeds least. Performance: the best at its task. "
    "Balanced: the knee of the front.",
)
@click.option("--id", "model", metavar="ID", help="The model of this id, such as r3c2.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Copy of its file.  [default: RUN/picked/ID.safetensors]",
)
@json_option()
def pick(
    run: Path, prefer: str | None, model: str | None, output: Path | None, as_json: bool
) -> None:
    """Take another model from a run's archive.

    A run keeps every non-dominated model: all of one density, each another trade-off between
    performance and safety. Give either --prefer or --id; with neither, all are listed.

    \b
    Example:
        safecompress pick runs/multi-attack-* --prefer safety
    """
    if prefer is not None and model is not None:
        raise click.UsageError("give either --prefer or --id")
    from safecompress_core.results.reading import read_results

    results = read_results(run)
    # Without a choice the command lists what there is to choose.
    if prefer is None and model is None:
        _list(results, run, as_json=as_json)
        return
    entry = find_entry(results, model) if model else pick_entry(results, cast(Preference, prefer))
    source = _inside(run, entry.file)
    place = _copy_model(source, output) if output else _record_pick(run, source, entry.id)
    if as_json:
        keys = (
            "id", "strategy", "settings", "objectives", "win_share", "chosen", "metrics", "audit",
        )  # fmt: skip
        values = entry.to_json()
        picked = {"file": str(place), **{key: values.get(key) for key in keys}}
        click.echo(json.dumps(picked, indent=2, ensure_ascii=False))
    else:
        _print(results, entry, place)


def _list(results: "Results", run: Path, *, as_json: bool) -> None:
    """All models that may be taken, with what they were selected by."""
    if as_json:
        keys = ("id", "strategy", "objectives", "win_share", "chosen")
        entries = [{key: getattr(entry, key) for key in keys} for entry in results.archive]
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    from safecompress_core.cli.display.consoles import output_console

    console = output_console()
    console.print(archive_table(results))
    console.print(
        "Performance is better when higher, the advantage of an attack when lower. Take one with\n"
        f"  safecompress pick {run} --id ID",
        soft_wrap=True,
    )


def _inside(run: Path, name: str) -> Path:
    """Return a file of the run directory that its results name.

    Raises:
        RunDirectoryError: if the name leads out of it.
    """
    # resolve() follows links, which could lead outside.
    if not (run / name).resolve().is_relative_to(run.resolve()):
        raise RunDirectoryError(f"{run / RESULTS}: it names {name!r}, outside the run directory")
    return run / name


def _record_pick(run: Path, source: Path, model: str) -> Path:
    """Copy a model into the run directory, and record it there."""
    from safecompress_core.results.checksums import record_files
    from safecompress_core.results.directory import require_inside

    # A link in the run directory could lead outside, where nothing may be written.
    require_inside(run)
    name = f"picked/{model}.safetensors"
    place = _copy_model(source, _inside(run, name))
    # Recorded, or `verify` would report an unknown file.
    record_files(run, [name])
    return place


def _copy_model(source: Path, target: Path) -> Path:
    """Copy a model file that is sound.

    Raises:
        StorageError: if it is not.
        WriteError: if the copy cannot be written.
    """
    from safecompress_core.atomic_writing import write_bytes
    from safecompress_core.saved_models.storage import load_model

    # Loaded only to check that the file is sound.
    load_model(source)
    # Copied byte by byte, so that it keeps its hash.
    write_bytes(target, source.read_bytes())
    return target


def _print(results: "Results", entry: "ArchiveRecord", place: Path) -> None:
    from safecompress_core.cli.display.consoles import output_console
    from safecompress_core.cli.display.tables import draw_table, print_places
    from safecompress_core.report.summary import audit_of, objectives_of

    # Markup only here; ids and names are printed without, since they may hold brackets.
    console = output_console(markup=True)
    is_chosen = " (the one that the run chose)" if entry.chosen else ""
    console.print(f"{entry.id}{is_chosen}: {entry.strategy}", markup=False)
    console.print(draw_table(objectives_of(results, entry)))
    if (table := audit_of(results, entry)) is not None:
        console.print(draw_table(table))
    else:
        console.print(
            "This model was not audited: the figures above are those it was selected by, so they "
            "read too well. To have every model of the archive audited, run the spec with\n"
            "  --set audit.front=all",
            markup=False,
        )
    print_places({"file": place})
