"""Papers' data sets in folders of images: Tiny-ImageNet and ImageNet-100."""

from functools import partial
from pathlib import Path

from safecompress_core.toolkit import DataError, Dataset
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.images.image_folder import folders_of_labels, images_in, label_images
from safecompress_plugins.data.images.labelled_images import image_dataset
from safecompress_plugins.data.papers.manifest import FACTS, PaperFacts, PaperImagesParams
from safecompress_plugins.data.papers.paper_files import missing_files_error, root_of, with_defaults

__all__ = ["PaperFolders", "imagenet_100", "tiny_imagenet"]

ANNOTATIONS = "val_annotations.txt"
INSIDE = "tiny-imagenet-200"
"""Top folder of Tiny-ImageNet's archive."""

Folders = dict[str, list[Path]]


class PaperFolders(EncodingSource):
    """Folders of images; those of train are members for ``pools.members: given``, of val not."""

    def __init__(self, facts: PaperFacts, params: PaperImagesParams) -> None:
        self._facts = facts
        self._params = with_defaults(params, facts)

    def load(self) -> Dataset:
        """Read the available splits."""
        root = root_of(self._params, self._facts)
        if (root / INSIDE).is_dir():
            root /= INSIDE
        training: Folders = {}
        # ImageNet-100 is distributed in train.X1 to train.X4.
        for folder in sorted(root.glob("train*")):
            training |= folders_of_labels(folder)
        validation = self._validation(root)
        parts = [(part, side) for part, side in ((training, True), (validation, False)) if part]
        if not parts:
            raise missing_files_error(root, self._facts)
        return image_dataset(label_images(parts, given=len(parts) > 1), self._params)

    @staticmethod
    def _validation(root: Path) -> Folders:
        """Find validation images: in folders of labels, or in one folder with a table of labels."""
        folders: Folders = {}
        for folder in sorted(root.glob("val*")):
            annotations = folder / ANNOTATIONS
            folders |= (
                _read_annotations(annotations) if annotations.exists() else _labels_in(folder)
            )
        return folders


def _labels_in(folder: Path) -> Folders:
    return folders_of_labels(folder) if folder.is_dir() else {}


def _read_annotations(path: Path) -> Folders:
    there = {image.name: image for image in images_in(path.parent)}
    folders: Folders = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        # Padded, so that a line with too few cells fails the check below instead of raising.
        name, label = (*line.split("\t"), "", "")[:2]
        if name not in there or not label:
            raise DataError(
                f"line {number} of {str(path)!r} does not name an image of its folder and a label",
                hint="download the archive again",
                field=("root",),
            )
        folders.setdefault(label, []).append(there[name])
    return folders


tiny_imagenet = partial(PaperFolders, FACTS["tiny-imagenet"])
imagenet_100 = partial(PaperFolders, FACTS["imagenet-100"])
