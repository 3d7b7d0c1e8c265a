"""Folders of images, one per label."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

from safecompress_core.toolkit import DataError, Dataset
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.files import describe_folder, require_existing
from safecompress_plugins.data.images.labelled_images import LabelledImages, image_dataset
from safecompress_plugins.data.images.manifest import ImageFolderParams

__all__ = ["ImageFolder", "folders_of_labels", "images_in", "label_images"]

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
SIDES = {
    **dict.fromkeys(("train", "training"), True),
    **dict.fromkeys(("test", "testing", "val", "valid", "validation"), False),
}
"""Folder names that mark members (True) and non-members, in lower case."""
TOOLS = {"__macosx", "__pycache__", "@eadir", "$recycle.bin", "lost+found"}
"""Folders written by tools, in lower case; names that start with a dot count as well."""
MOST_SHOWN = 5

Folders = Mapping[str, Sequence[Path]]


class ImageFolder(EncodingSource):
    """A folder with one folder per label, or with ``train`` and ``test`` that hold such folders."""

    def __init__(self, params: ImageFolderParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read all images, label by label in alphabetical order."""
        root = require_existing(self._params.path, field=("path",), is_folder=True)
        below = {folder.name: folder for folder in _folders(root) if images_in(folder)}
        sides = {name: folder for name, folder in below.items() if name.lower() in SIDES}
        _require_one_layout(root, below, sides)
        if sides:
            parts = [
                (folders_of_labels(folder), SIDES[name.lower()]) for name, folder in sides.items()
            ]
            # With one side alone all samples would be members, so membership counts as unknown.
            given = {is_member for _, is_member in parts} == {True, False}
        else:
            parts, given = (
                [({name: images_in(folder_below) for name, folder_below in below.items()}, True)],
                False,
            )
        images = label_images(parts, given=given)
        if not len(images.labels):
            raise DataError(
                f"no folder in {str(root)!r} holds images; {describe_folder(root)}",
                hint="put the images of each label into its own folder",
                field=("path",),
            )
        return image_dataset(images, self._params, warnings=list(_left_out(root)))


def _require_one_layout(root: Path, below: Mapping[str, Path], sides: Mapping[str, Path]) -> None:
    """Reject a mixture of both layouts, which would define another task.

    Raises:
        DataError: if sides and labels are mixed, or images lie next to folders of images.
    """
    others = [name for name in below if name not in sides]
    if sides and others:
        raise DataError(
            f"{str(root)!r} holds the sides {_list(sides)} and other folders of images: "
            f"{_list(others)}",
            hint="move out what is neither training nor test data, or name a folder whose folders "
            "are labels",
            field=("path",),
        )
    # train/ inside a label's folder: one level too high was named.
    for name, folder in below.items():
        inner = [
            folder_inside.name
            for folder_inside in _folders(folder)
            if folder_inside.name.lower() in SIDES
        ]
        if inner:
            raise DataError(
                f"{name!r} in {str(root)!r} is in the position of a label, but holds the sides "
                f"{_list(inner)}",
                hint=f"name {str(folder)!r}, or put the labels into the sides: train/{name}",
                field=("path",),
            )
    for folder in (root, *sides.values()):
        loose = _files(folder)
        if loose and (below or folder is not root):
            raise DataError(
                f"{len(loose)} images lie directly in {str(folder)!r}, not in label folders; "
                f"the first is {loose[0].name!r}",
                hint="put the images of each label into its own folder",
                field=("path",),
            )


def _list(names: Sequence[str] | Mapping[str, Path]) -> str:
    shown = ", ".join(map(repr, list(names)[:MOST_SHOWN]))
    more = len(names) - MOST_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _left_out(root: Path) -> Iterator[str]:
    """Warn of files without an image suffix, and of folders without images."""
    files = [path for path in _visible(root) if path.is_file()]
    odd = Counter(
        path.suffix.lower() or path.name
        for path in files
        # Files next to the label folders, a README or a licence, are no images left out by mistake.
        if path.parent != root and path.suffix.lower() not in SUFFIXES
    )
    if odd:
        shown = ", ".join(f"{count} {suffix}" for suffix, count in odd.most_common(MOST_SHOWN))
        yield (
            f"{odd.total()} files in {str(root)!r} are left out, since they have no image suffix: "
            f"{shown}"
        )
    empty = [folder.name for folder in _folders(root) if not images_in(folder)]
    if empty:
        yield f"folders without images are left out: {_list(empty)}"


def images_in(folder: Path) -> list[Path]:
    """List all images in a folder and below, in alphabetical order, without tools' leftovers."""
    return [path for path in _visible(folder) if path.suffix.lower() in SUFFIXES]


def folders_of_labels(folder: Path) -> dict[str, list[Path]]:
    """List the images of each folder that holds any."""
    images_by_label = {
        folder_inside.name: images_in(folder_inside) for folder_inside in _folders(folder)
    }
    return {name: images for name, images in images_by_label.items() if images}


def _visible(folder: Path) -> list[Path]:
    """List all paths in a folder and below, sorted, without hidden ones and tools' leftovers."""
    return sorted(
        path
        for path in folder.rglob("*")
        if not any(_is_left_behind(part) for part in path.relative_to(folder).parts)
        # Only the part below the folder: a hidden directory further up is the user's choice.
    )


def _folders(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not _is_left_behind(path.name)
    )


def _files(folder: Path) -> list[Path]:
    """List the images directly in a folder."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not _is_left_behind(path.name)
    )


def _is_left_behind(name: str) -> bool:
    """Return whether a name is hidden, or one that tools write."""
    return name.startswith(".") or name.lower() in TOOLS


def label_images(
    parts: Sequence[tuple[Mapping[str, Sequence[Path]], bool]], *, given: bool
) -> LabelledImages:
    """Combine images of several parts under one numbering of labels.

    Args:
        parts: the images of each label, and whether they are members.
        given: whether the parts determine membership.
    """
    # Labels of all parts are numbered together: a label may be missing from one of them.
    names = sorted({name for folders, _ in parts for name, paths in folders.items() if paths})
    place = {name: index for index, name in enumerate(names)}
    paths: list[Path] = []
    labels: list[int] = []
    sides: list[bool] = []
    for folders, is_member in parts:
        for name, files in folders.items():
            paths += files
            # A folder without images is no label; its default position is multiplied by zero files.
            labels += [place.get(name, 0)] * len(files)
            sides += [is_member] * len(files)
    return LabelledImages(
        paths,
        torch.tensor(labels, dtype=torch.int64),
        tuple(names),
        is_member=torch.tensor(sides) if given else None,
    )
