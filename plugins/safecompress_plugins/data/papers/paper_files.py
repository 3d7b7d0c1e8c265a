"""The files of the papers' data sets: found in their folder, or told where to get them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from safecompress_core.toolkit import DataError
from safecompress_plugins.data.files import existing, here
from safecompress_plugins.data.images.manifest import ImageParams, Normal
from safecompress_plugins.data.papers.manifest import PaperFacts, PaperParams

__all__ = ["absent", "found_splits", "root_of", "usual"]

SPLITS = ("train", "test")
Images = TypeVar("Images", bound=ImageParams)


def root_of(params: PaperParams, facts: PaperFacts) -> Path:
    """The folder with the files.

    Raises:
        DataError: if there is none; it says where the files are to be had.
    """
    try:
        return existing(params.root, field=("root",), is_folder=True)
    except DataError as error:
        raise DataError(
            error.message, mend=f"{error.mend}; {_get(facts)}", field=error.field
        ) from error


def found_splits(
    root: Path, facts: PaperFacts, patterns: Mapping[str, Sequence[str]]
) -> dict[str, list[Path]]:
    """The files of each part that is there, by the first of its patterns that finds any.

    Raises:
        DataError: if no part is there.
    """
    found = {}
    for split, several in patterns.items():
        files = next((list_ for one in several if (list_ := sorted(root.glob(one)))), [])
        if files:
            found[split] = files
    if not found:
        raise absent(root, facts)
    return found


def absent(root: Path, facts: PaperFacts) -> DataError:
    """What to say where the files are not."""
    return DataError(
        f"the files of {facts.name!r} are not in {str(root)!r}; {here(root)}",
        mend=_get(facts),
        field=("root",),
    )


def _get(facts: PaperFacts) -> str:
    return f"get {facts.files} from {facts.where}; nothing is downloaded for you"


def usual(params: Images, facts: PaperFacts) -> Images:
    """The parameters with what is usual for the data set where they say nothing."""
    normal = Normal(mean=list(facts.mean), std=list(facts.std))
    wanted = {"normal": params.normal or normal, "size": params.size or facts.size}
    return params.model_copy(update=wanted)
