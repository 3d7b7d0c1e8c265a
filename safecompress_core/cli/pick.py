"""``safecompress pick``: another model of a run's archive, without training again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import click

from safecompress_core.errors import RunDirectoryError

__all__ = ["pick"]

Entry = Mapping[str, Any]
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
    help="Where to copy its file.  [default: RUN/picked/ID.safetensors]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def pick(
    run: Path, prefer: str | None, model: str | None, output: Path | None, as_json: bool
) -> None:
    """Take another model from a run's archive.

    A run keeps every model that no other beats in everything: all of one density, each another
    trade between the task and safety. Give either --prefer or --id.

    \b
    Example:
        safecompress pick runs/multi-attack-* --prefer safety
    """
    if (prefer is None) == (model is None):
        raise click.UsageError("give either --prefer or --id")
    from safecompress_core.engine.run_directory import read_results

    results = read_results(run)
    entry = _named(results, model) if model else _preferred(results, str(prefer))
    source = _inside(run, entry["file"])
    place = _copied(source, output) if output else _picked(run, source, entry["id"])
    if as_json:
        audit = {"metrics": entry.get("metrics"), "audit": entry.get("audit")}
        keys = ("id", "strategy", "settings", "objectives", "chosen")
        picked = {"file": str(place), **{key: entry[key] for key in keys}, **audit}
        click.echo(json.dumps(picked, indent=2, ensure_ascii=False))
    else:
        _print(results, entry, place)


def _named(results: Mapping[str, Any], model: str) -> Entry:
    archive = {entry["id"]: entry for entry in results["archive"]}
    if model not in archive:
        from safecompress_core.spec.names import offer

        none = "this run kept no archive"
        raise RunDirectoryError(f"no model is called {model!r}; {offer(model, archive, none=none)}")
    found: Entry = archive[model]
    return found


def _preferred(results: Mapping[str, Any], preference: str) -> Entry:
    from safecompress_core.choose.archive import Archive
    from safecompress_core.choose.archive import Entry as Point

    if not results["archive"]:
        raise RunDirectoryError("this run kept no archive, so there is no other model to take")
    attackers = results["selection"]["attackers"]
    points = tuple(
        Point(
            entry["id"],
            entry["objectives"]["performance"],
            tuple(entry["objectives"][name] for name in attackers),
        )
        for entry in results["archive"]
    )
    weights = tuple(one["weight"] for one in attackers.values())
    wanted = cast(Literal["safety", "performance", "balanced"], preference)
    return _named(results, Archive(weights=weights, entries=points).preferred(wanted).id)


def _inside(run: Path, name: str) -> Path:
    """Return a file of the run directory that its results name.

    Raises:
        RunDirectoryError: if the name leads out of it.
    """
    if not (run / name).resolve().is_relative_to(run.resolve()):
        raise RunDirectoryError(f"{run / RESULTS}: it names {name!r}, outside the run directory")
    return run / name


def _picked(run: Path, source: Path, model: str) -> Path:
    """Copy a model into the run directory, and record it there."""
    from safecompress_core.engine.run_directory import require_inside
    from safecompress_core.engine.sums import record_files

    require_inside(run)
    name = f"picked/{model}.safetensors"
    place = _copied(source, _inside(run, name))
    record_files(run, [name])
    return place


def _copied(source: Path, target: Path) -> Path:
    """Copy a model file that is sound.

    Raises:
        StorageError: if it is not.
        WriteError: if the copy cannot be written.
    """
    from safecompress_core.sparse.storage import load_model
    from safecompress_core.writing import write_bytes

    load_model(source)
    write_bytes(target, source.read_bytes())
    return target


def _print(results: Mapping[str, Any], entry: Entry, place: Path) -> None:
    from safecompress_core.cli.display.consoles import output_console
    from safecompress_core.cli.display.tables import drawn, print_places
    from safecompress_core.report.summary import audit_of, objectives_of

    console = output_console(markup=True)
    is_chosen = " (the one that the run chose)" if entry["chosen"] else ""
    console.print(f"{entry['id']}{is_chosen}: {entry['strategy']}", markup=False)
    console.print(drawn(objectives_of(results, entry)))
    if "audit" in entry:
        console.print(drawn(audit_of(entry)))
    else:
        console.print(
            "This model was not audited: the figures above are those it was selected by, so they "
            "read too well. To have every model of the archive audited, run the spec with\n"
            "  --set audit.front=all",
            markup=False,
        )
    print_places({"file": place})
