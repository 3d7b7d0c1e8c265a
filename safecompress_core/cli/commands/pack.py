"""``safecompress pack``: the compact form of a model file."""

from pathlib import Path

import click

from safecompress_core.results.checksums import MODEL

__all__ = ["pack"]


@click.command()
@click.argument("model", metavar="RUN|MODEL", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The compact file, such as model.safetensors.zst; an existing one is kept.",
)
def pack(model: Path, *, output: Path) -> None:
    """Write a model file in its compact form.

    Masks are entropy-coded and all else is packed by zstd; whatever reads model files reads the
    compact file, with the same weights bit by bit. Needs the extra `compact`.

    \b
    Example:
        safecompress pack runs/multi-attack-2e55665e --output model.safetensors.zst
    """
    from safecompress_core.atomic_writing import write_bytes
    from safecompress_core.errors import StorageError, WriteError
    from safecompress_core.report.formatting import size
    from safecompress_core.saved_models.compact import compress_model, is_compact
    from safecompress_core.saved_models.storage import load_model

    if output.exists():
        raise WriteError(f"{output}: exists already; choose another name, or delete it")
    place = model / MODEL if model.is_dir() else model
    if is_compact(place):
        raise StorageError(f"{place}: is compact already")
    # A damaged file is found now, not where the compact one is used.
    load_model(place)
    content = place.read_bytes()
    compact = compress_model(content)
    write_bytes(output, compact)
    click.echo(f"{output}: {size(len(compact))}, was {size(len(content))}", err=True)
