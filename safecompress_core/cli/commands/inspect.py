"""Command ``safecompress inspect``: contents of a run directory, a model file or a spec's model."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from safecompress_core.cli.options import allow_code_option, json_option, plugins_dir_option
from safecompress_core.errors import RunDirectoryError, StorageError
from safecompress_core.results.checksums import MODEL

__all__ = ["inspect"]

SPECS = (".yaml", ".yml")
FEW = 6


@click.command()
@click.argument("place", metavar="RUN|FILE|SPEC", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--speed",
    "batch",
    metavar="BATCH",
    type=click.IntRange(min=1),
    help="Of a run or a model file: measure its layers, dense and sparse, for this many samples.",
)
@json_option()
@plugins_dir_option
@allow_code_option()
def inspect(
    place: Path, *, batch: int | None, as_json: bool, plugins_dir: Path | None, allow_code: bool
) -> None:
    """Show the contents of a run directory, a model file or the model of a spec.

    Of a run: its results, and its files. Of a model file: architecture, tensors, densities, bytes.
    Of a spec: which modules may be the representation, and which weights may be sparse; its data
    are loaded, and nothing is trained. With --speed: what each layer of a model takes as it is and
    with sparse rows, and the whole model in its fastest form.

    \b
    Example:
        safecompress inspect runs/multi-attack-*/model/model.safetensors
    """
    # By suffix: a spec is the only kind of file here that is text.
    if batch is not None:
        _speed(place, batch, as_json=as_json, plugins_dir=plugins_dir, allow_code=allow_code)
        return
    if place.suffix in SPECS:
        from safecompress_core.cli.model_summary import print_model_summary

        print_model_summary(place, as_json=as_json, plugins_dir=plugins_dir, allow_code=allow_code)
        return
    content = _run(place) if place.is_dir() else _model(place)
    if as_json:
        if content.get("results"):
            content["results"] = content["results"].to_json()
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    elif place.is_dir():
        _print_run(content)
    else:
        _print_model(content)


def _speed(
    place: Path, batch: int, *, as_json: bool, plugins_dir: Path | None, allow_code: bool
) -> None:
    if place.suffix in SPECS:
        raise click.BadParameter("a spec has no weights to measure", param_hint="--speed")
    from safecompress_core.cli.layer_speeds import print_layer_speeds

    print_layer_speeds(
        place / MODEL if place.is_dir() else place,
        batch=batch,
        as_json=as_json,
        plugins_dir=plugins_dir,
        allow_code=allow_code,
    )


def _run(directory: Path) -> dict[str, Any]:
    """Files and results; ``results`` is None for a run that is not finished."""
    if not (directory / "spec.resolved.yaml").exists():
        # Every run directory has this file, and other folders hardly do.
        raise RunDirectoryError(f"{directory}: is no run directory; it has no spec.resolved.yaml")
    from safecompress_core.results.checksums import is_finished
    from safecompress_core.results.reading import read_results

    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    # Hidden files are locks and unfinished writes.
    shown = [path for path in paths if not path.name.startswith(".")]
    return {
        "run": str(directory),
        "files": {path.relative_to(directory).as_posix(): path.stat().st_size for path in shown},
        "results": read_results(directory) if is_finished(directory) else None,
    }


def _model(file: Path) -> dict[str, Any]:
    """Everything that a model file says of itself, and its tensors."""
    from safecompress_core.saved_models.storage import FORMAT_VERSION, load_model

    try:
        stored = load_model(file)
    except StorageError as error:
        # A damaged file of our own is no file of another format.
        if file.suffix == ".safetensors":
            raise
        hint = f"a model of another format can be attacked: safecompress audit {file}"
        raise StorageError(f"{error}; {hint}") from error
    tensors = []
    for name, tensor in stored.state.items():
        # Tensors outside the topology, such as biases, are dense.
        active = stored.topology.active().get(name, tensor.numel())
        is_dense = active == tensor.numel()
        # A bit for each weight, rounded up to bytes.
        mask_bytes = 0 if is_dense else -(-tensor.numel() // 8)
        code = stored.codes.get(name)
        bits = 8 * tensor.element_size() if code is None else code.bits
        tables = () if code is None else code.tables.values()
        tensors.append(
            {
                "name": name,
                "shape": list(tensor.shape),
                "dtype": str(tensor.dtype).removeprefix("torch.") if code is None else code.name,
                "weights": tensor.numel(),
                "active": active,
                # A tensor without elements has no density; 1 keeps it out of what is sparse.
                "density": active / tensor.numel() if tensor.numel() else 1.0,
                # Rounded up: codes of fewer than 8 bits fill whole bytes.
                "bytes": -(-active * bits // 8) + mask_bytes + sum(t.nbytes for t in tables),
                "dense_bytes": tensor.numel() * tensor.element_size(),
            }
        )
    return {
        "file": str(file),
        "format_version": FORMAT_VERSION,
        "metadata": stored.metadata,
        "tensors": tensors,
        "density": stored.topology.density,
        "weights": sum(tensor["weights"] for tensor in tensors),
        "active": sum(tensor["active"] for tensor in tensors),
        "file_bytes": file.stat().st_size,
        "guard_bytes": sum(tensor.nbytes for tensor in stored.guard.values()),
        "dense_bytes": sum(tensor["dense_bytes"] for tensor in tensors),
    }


def _print_run(content: Mapping[str, Any]) -> None:
    from rich.table import Table

    from safecompress_core.cli.display.consoles import output_console
    from safecompress_core.cli.display.tables import print_summary
    from safecompress_core.report.formatting import size

    console = output_console()
    if content["results"]:
        print_summary(console, content["results"])
        console.print()
    else:
        console.print("This run is not finished: there is no results.json or no SHA256SUMS yet.\n")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right")
    for name, count in content["files"].items():
        table.add_row(size(count), name)
    console.print(f"Files in {content['run']}", style="bold", soft_wrap=True)
    console.print(table)


def _print_model(content: Mapping[str, Any]) -> None:
    from safecompress_core.cli.display.consoles import output_console
    from safecompress_core.cli.display.tables import draw_table
    from safecompress_core.report.formatting import format_fraction
    from safecompress_core.report.summary import Cell, ResultTable, Row

    rows = [
        Row(
            tensor["name"],
            (
                Cell(" × ".join(map(str, tensor["shape"]))),
                Cell(tensor["dtype"]),
                Cell(format_fraction(tensor["density"])),
                Cell(f"{tensor['bytes']:,}"),
            ),
        )
        for tensor in content["tensors"]
    ]
    console = output_console()
    console.print(f"{content['file']}: model file, format version {content['format_version']}")
    for name, value in content["metadata"].items():
        shown = DESCRIPTIONS.get(name, _list_first)(value)
        console.print(f"  {name}: {shown}")
    columns = ("shape", "dtype", "density", "bytes")
    console.print(draw_table(ResultTable("Tensors", columns, tuple(rows))))
    times = content["dense_bytes"] / content["file_bytes"]
    console.print(
        f"{content['active']:,} of {content['weights']:,} weights: "
        f"{format_fraction(content['active'] / content['weights'])} of the whole model, "
        f"{format_fraction(content['density'])} of the layers that may be sparse.\n"
        f"{content['file_bytes']:,} bytes; dense they would be "
        f"{content['dense_bytes']:,}, {times:.1f} times as many."
    )
    if content["guard_bytes"]:
        console.print(f"{content['guard_bytes']:,} of these bytes guard its answers.")


def _describe_layer_shapes(value: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the number of layers with other shapes; the table lists them."""
    words = {"widths": "of another width", "factorised": "made of two"}
    return ", ".join(f"{len(layers)} layers {words[kind]}" for kind, layers in value.items())


def _describe_encoder(value: Mapping[str, Any]) -> str:
    """Return the data set whose encoder reads new rows; its record may be long."""
    return f"rows as {value['data']} reads them (its record: --json)"


DESCRIPTIONS: Mapping[str, Callable[[Any], str]] = {
    "encoder": _describe_encoder,
    "reshaping": _describe_layer_shapes,
}
"""Metadata that are not listed value by value, and what is said of them."""


def _list_first(value: Any) -> str:
    """A value of the metadata in a line; the type of a component first, as in a spec."""
    if isinstance(value, Mapping):
        # False sorts first, so `type` leads.
        keys = sorted(value, key=lambda key: key != "type")
        return ", ".join(f"{key} {_list_first(value[key])}" for key in keys)
    if isinstance(value, list):
        # One place is for the note on how many there are.
        few = value if len(value) <= FEW else [*value[: FEW - 1], f"… ({len(value)} in all)"]
        return ", ".join(map(str, few))
    return str(value)
