"""CIFAR-10 and CIFAR-100, from the binary version or from Parquet.

The version for Python is pickled, and nothing is ever unpickled here.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from safecompress_core.toolkit import DataError, Dataset
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.images.labelled_images import LabelledImages, image_dataset
from safecompress_plugins.data.papers.manifest import FACTS, PaperFacts, PaperImagesParams
from safecompress_plugins.data.papers.paper_files import find_splits, root_of, with_defaults

__all__ = ["Cifar", "cifar10", "cifar100"]

SHAPE = (3, 32, 32)
PIXELS = 3072

BINARY = {
    "cifar10": {
        "train": ("data_batch_*.bin", "cifar-10-batches-bin/data_batch_*.bin"),
        "test": ("test_batch.bin", "cifar-10-batches-bin/test_batch.bin"),
    },
    "cifar100": {
        "train": ("train.bin", "cifar-100-binary/train.bin"),
        "test": ("test.bin", "cifar-100-binary/test.bin"),
    },
}
PARQUET = {split: (f"{split}*.parquet", f"*/{split}*.parquet") for split in ("train", "test")}
LABEL_BYTES = {"cifar10": 1, "cifar100": 2}
"""Label bytes of each record; the last one is the label (CIFAR-100 stores the superclass first)."""
NAMES = {"cifar10": "batches.meta.txt", "cifar100": "fine_label_names.txt"}
COLUMNS = {"cifar10": "label", "cifar100": "fine_label"}
CLASSES = {"cifar10": 10, "cifar100": 100}


class Cifar(EncodingSource):
    """Members, for ``pools.members: given``, are the published training images."""

    def __init__(self, facts: PaperFacts, params: PaperImagesParams) -> None:
        self._facts = facts
        self._params = with_defaults(params, facts)

    def load(self) -> Dataset:
        """Read binary files or, without any, Parquet."""
        root = root_of(self._params, self._facts)
        name = self._facts.name
        patterns = {split: (*BINARY[name][split], *several) for split, several in PARQUET.items()}
        parts = []
        sides = []
        for split, files in find_splits(root, self._facts, patterns).items():
            part = self._binary(files) if files[0].suffix == ".bin" else self._parquet(files)
            parts.append(part)
            sides.append(torch.full((len(part.labels),), split == "train"))
        # One split alone says nothing of membership: all its images could be members.
        images = _join(parts, torch.cat(sides) if len(parts) > 1 else None)
        return image_dataset(images, self._params)

    def _binary(self, files: Sequence[Path]) -> LabelledImages:
        header = LABEL_BYTES[self._facts.name]
        records = np.concatenate([_records(path, header + PIXELS) for path in files])
        labels = torch.from_numpy(records[:, header - 1].astype(np.int64))
        # A copy: the view of a slice is neither contiguous nor writable, and torch needs both.
        pixels = torch.from_numpy(records[:, header:].copy()).view(-1, *SHAPE)
        return LabelledImages(pixels, labels, self._names(files[0].parent))

    def _names(self, folder: Path) -> tuple[str, ...]:
        # Names are optional: some mirrors of the binary version leave the file out.
        path = folder / NAMES[self._facts.name]
        count = CLASSES[self._facts.name]
        names = path.read_text(encoding="utf-8").split() if path.exists() else []
        return tuple(names) if len(names) == count else tuple(map(str, range(count)))

    # Imported on use: pyarrow comes with an extra.
    def _parquet(self, files: Sequence[Path]) -> LabelledImages:
        from safecompress_plugins.data.tables.parquet_file import arrow_table, images_of  # noqa: PLC0415

        table = arrow_table(files)
        # Mirrors of CIFAR-10 on the hub name the column either way.
        image = "img" if "img" in table.column_names else "image"
        return images_of(table, image=image, label=COLUMNS[self._facts.name])


def _records(path: Path, length: int) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    content = np.fromfile(path, dtype=np.uint8)
    if len(content) == 0 or len(content) % length:
        # A truncated download rarely ends at a record's boundary.
        raise DataError(
            f"{str(path)!r} has {len(content)} bytes, not a multiple of {length} bytes per record",
            hint="download the binary version again",
            field=("root",),
        )
    return content.reshape(-1, length)


def _join(parts: Sequence[LabelledImages], is_member: Tensor | None) -> LabelledImages:
    """Concatenate training and test images."""
    first = parts[0]
    for other in parts[1:]:
        if other.classes != first.classes:
            raise DataError(
                "the training and the test files have different labels",
                hint="keep the files of a single data set in the folder",
                field=("root",),
            )
    pixels = [part.images for part in parts if isinstance(part.images, Tensor)]
    encoded = [
        image for part in parts if not isinstance(part.images, Tensor) for image in part.images
    ]
    if pixels and encoded:
        raise DataError(
            "one part is binary and the other Parquet", hint="keep one layout", field=("root",)
        )
    labels = torch.cat([part.labels for part in parts])
    return LabelledImages(
        torch.cat(pixels) if pixels else encoded, labels, first.classes, is_member=is_member
    )


cifar10 = partial(Cifar, FACTS["cifar10"])
cifar100 = partial(Cifar, FACTS["cifar100"])
