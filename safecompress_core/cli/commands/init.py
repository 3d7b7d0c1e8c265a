"""``safecompress init``: a first spec for a CSV file, a folder of images, or a model."""

from importlib.util import find_spec
from pathlib import Path

import click

from safecompress_core.atomic_writing import write_new
from safecompress_core.errors import DataError, SafeCompressError
from safecompress_core.install_command import install_command

__all__ = ["init"]

PROBES = {"run": "torch", "huggingface": "transformers"}
"""By extra that a first spec may need, a package that it brings."""


@click.command()
@click.argument("what", metavar="WHAT", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    help="For a model: the CSV file or folder of images that it is trained on.",
)
@click.option("--target", metavar="COLUMN", help="The column of labels; guessed by default.")
@click.option(
    "--private",
    metavar="COLUMN",
    multiple=True,
    help="A column that must stay private; the audit attacks it. May be repeated.",
)
@click.option("--factory", metavar="FUNCTION", help="The function that builds the network.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of the spec; never overwritten.  [default: NAME.yaml]",
)
def init(
    what: Path,
    *,
    data: Path | None,
    target: str | None,
    private: tuple[str, ...],
    factory: str | None,
    output: Path | None,
) -> None:
    """Write a first spec from your files.

    WHAT is a CSV file, a folder with one folder of images per label, a Hugging
    Face folder, or a Python file with a function that builds a network. Needs no torch.

    \b
    Example:
        safecompress init patients.csv --target outcome --private sex
        safecompress init my_model.py --data patients.csv
    """
    from safecompress_core.first_spec.commented_spec import draft_spec

    try:
        draft = draft_spec(what, data=data, target=target, private=private, factory=factory)
    # The field of the error belongs to a spec that does not exist yet.
    except DataError as error:
        raise SafeCompressError(f"{error.message}; {error.hint}") from error
    place = output or Path(f"{what.stem or 'first'}.yaml")
    try:
        # Never overwritten: the file may hold hours of editing.
        write_new(place, draft.text(place.stem).encode())
    except FileExistsError:
        message = f"{str(place)!r} exists, and is not written over; name another: --output FILE"
        raise SafeCompressError(message) from None
    allowed = " --allow-code" if draft.runs_code else ""
    click.echo(f"wrote {place}; look at its comments, then:")
    click.echo(f"    safecompress validate {place}{allowed}")
    click.echo(f"    safecompress run {place}{allowed}")
    # Looked up without importing, which takes seconds for torch.
    if not all(find_spec(PROBES[extra]) for extra in draft.extras):
        click.echo(f"a run needs: {install_command(*draft.extras)}")
