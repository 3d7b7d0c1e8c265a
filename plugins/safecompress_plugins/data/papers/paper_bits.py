"""Purchase-100 and Texas-100: rows of bits, in their original layout."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from safecompress_core.toolkit import DataError, Dataset
from safecompress_plugins.data.arrays.array_encoder import ArrayEncoder
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.papers.manifest import FACTS, PaperFacts, PaperParams
from safecompress_plugins.data.papers.paper_files import missing_files_error, root_of
from safecompress_plugins.data.samples import sample_rows

__all__ = ["PaperBits", "purchase_100", "texas_100"]

CLASSES = 100


class PaperBits(EncodingSource):
    """Binary inputs, unchanged; one feature per column."""

    def __init__(self, facts: PaperFacts, params: PaperParams) -> None:
        self._facts = facts
        self._params = params

    def load(self) -> Dataset:
        """Read the text files."""
        root = root_of(self._params, self._facts)
        # The archives unpack into folders of different names; sorting makes the choice
        # reproducible.
        file = next(iter(sorted(root.glob("**/dataset_purchase"))), None)
        features = next(iter(sorted(root.glob("**/100/feats"))), None)
        if self._facts.name == "purchase-100" and file is not None:
            table = _numbers(file)
            labels, bits = table[:, 0], table[:, 1:]
        elif self._facts.name == "texas-100" and features is not None:
            labels = _numbers(features.with_name("labels"))[:, 0]
            bits = _numbers(features)
        else:
            raise missing_files_error(root, self._facts)
        # Labels are 1 to 100 in the files; other values mean a truncated or foreign file.
        if len(labels) != len(bits) or labels.min() < 1 or labels.max() > CLASSES:
            raise DataError(
                f"the files of {self._facts.name!r} are damaged: {len(labels)} labels from "
                f"{labels.min()} to {labels.max()} for {len(bits)} rows",
                hint="download them again",
                field=("root",),
            )
        rows = sample_rows(labels.astype(np.int64), None, self._params)
        width = bits.shape[1]
        return Dataset(
            inputs=torch.from_numpy(bits[rows]).float(),
            labels=torch.from_numpy(labels[rows].astype(np.int64)) - 1,
            classes=tuple(str(number) for number in range(1, CLASSES + 1)),
            attributes={},
            features={f"feature {column + 1}": (column,) for column in range(width)},
            bounds=(torch.zeros(()), torch.ones(())),
            encoder=ArrayEncoder((width,)),
            notes=(f"{len(rows)} of {len(labels)} rows of {width} bits are used",),
        )


def _numbers(path: Path) -> NDArray[np.uint8]:
    """Read a text file of small numbers as a matrix."""
    try:
        # ndmin=2: a file of labels has a single column, and would be read as a vector.
        return np.loadtxt(path, delimiter=",", dtype=np.uint8, ndmin=2)
    except (ValueError, OSError) as error:
        raise DataError(
            f"{str(path)!r} is not a table of small numbers ({error})",
            hint="download it again",
            field=("root",),
        ) from error


purchase_100 = partial(PaperBits, FACTS["purchase-100"])
texas_100 = partial(PaperBits, FACTS["texas-100"])
