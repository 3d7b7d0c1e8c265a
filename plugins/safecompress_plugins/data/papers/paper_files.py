"""Files of the papers' data sets, and errors that name their source."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from safecompress_core.toolkit import DataError
from safecompress_plugins.data.files import describe_folder, require_existing
from safecompress_plugins.data.images.manifest import ImageParams, Normal
from safecompress_plugins.data.papers.manifest import PaperFacts, PaperParams

__all__ = ["find_splits", "missing_files_error", "root_of", "with_defaults"]

SPLITS = ("train", "test")
Images = TypeVar("Images", bound=ImageParams)


def root_of(params: PaperParams, facts: PaperFacts) -> Path:
    """Return the folder of the files.

    Raises:
        DataError: if it does not exist; the message says where to download the files.
    """
    try:
        return require_existing(params.root, field=("root",), is_folder=True)
    except DataError as error:
        raise DataError(
            error.message, hint=f"{error.hint}; {_get(facts)}", field=error.field
        ) from error


def find_splits(
    root: Path, facts: PaperFacts, patterns: Mapping[str, Sequence[str]]
) -> dict[str, list[Path]]:
    """Find the files of each split, by the first of its patterns with a match.

    Raises:
        DataError: if no split is found.
    """
    splits = {}
    # Patterns are in order of preference, so binary files win over Parquet in the same folder.
    for split, several in patterns.items():
        files = next((list_ for pattern in several if (list_ := sorted(root.glob(pattern)))), [])
        if files:
            splits[split] = files
    if not splits:
        raise missing_files_error(root, facts)
    return splits


def missing_files_error(root: Path, facts: PaperFacts) -> DataError:
    """Build the error for missing files."""
    return DataError(
        f"the files of {facts.name!r} are not in {str(root)!r}; {describe_folder(root)}",
        hint=_get(facts),
        field=("root",),
    )


def _get(facts: PaperFacts) -> str:
    return f"download {facts.files} from {facts.where}; nothing is downloaded automatically"


def with_defaults(params: Images, facts: PaperFacts) -> Images:
    """Fill in the data set's usual normalisation and size where they are not set."""
    normal = Normal(mean=list(facts.mean), std=list(facts.std))
    wanted = {"normal": params.normal or normal, "size": params.size or facts.size}
    return params.model_copy(update=wanted)
