"""Folders of images, a folder a label."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from safecompress_core.toolkit import DataError, Dataset, DataSource
from safecompress_plugins.data.files import existing, here
from safecompress_plugins.data.image_manifest import ImageFolderParams
from safecompress_plugins.data.labelled_images import LabelledImages, image_dataset

__all__ = ["ImageFolder", "folders_of_labels", "images_in", "labelled"]

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
SIDES = {"train": True, "test": False, "val": False, "valid": False, "validation": False}
"""Folders that tell members from non-members."""


class ImageFolder(DataSource):
    """The folders of a folder are labels, or ``train`` and ``test`` that hold folders of labels."""

    def __init__(self, params: ImageFolderParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read all images, label by label in alphabetical order."""
        root = existing(self._params.path, field=("path",), is_folder=True)
        below = {one.name: one for one in sorted(root.iterdir()) if one.is_dir()}
        sides = {name: folder for name, folder in below.items() if name.lower() in SIDES}
        if sides and len(sides) == len(below):
            parts = [
                (folders_of_labels(folder), SIDES[name.lower()]) for name, folder in sides.items()
            ]
            given = {is_member for _, is_member in parts} == {True, False}
        else:
            parts, given = [({name: images_in(one) for name, one in below.items()}, True)], False
        images = labelled(parts, given=given)
        if not len(images.labels):
            raise DataError(
                f"no folder in {str(root)!r} holds images; {here(root)}",
                mend="put the images of each label into a folder of its own",
                field=("path",),
            )
        return image_dataset(images, self._params)


def images_in(folder: Path) -> list[Path]:
    """All images in a folder and below, in alphabetical order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def folders_of_labels(folder: Path) -> dict[str, list[Path]]:
    """The images of each folder in a folder."""
    return {one.name: images_in(one) for one in sorted(folder.iterdir()) if one.is_dir()}


def labelled(
    parts: Sequence[tuple[Mapping[str, Sequence[Path]], bool]], *, given: bool
) -> LabelledImages:
    """Images of several parts with the labels of all.

    Args:
        parts: the images of each label, and whether they are members.
        given: whether the parts tell who is a member.
    """
    names = sorted({name for folders, _ in parts for name, paths in folders.items() if paths})
    place = {name: index for index, name in enumerate(names)}
    paths: list[Path] = []
    labels: list[int] = []
    sides: list[bool] = []
    for folders, is_member in parts:
        for name, files in folders.items():
            paths += files
            labels += [place.get(name, 0)] * len(files)
            sides += [is_member] * len(files)
    return LabelledImages(
        paths,
        torch.tensor(labels, dtype=torch.int64),
        tuple(names),
        is_member=torch.tensor(sides) if given else None,
    )
