"""Papers' text data sets: CSV files without a header, the label first, counted from 1."""

from functools import partial

import torch

from safecompress_core.toolkit import DataError, Dataset
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.papers.manifest import FACTS, PaperFacts, PaperParams
from safecompress_plugins.data.papers.paper_files import find_splits, root_of
from safecompress_plugins.data.samples import sample_rows
from safecompress_plugins.data.tables.csv_file import read_csv
from safecompress_plugins.data.tables.table_encoder import TableEncoder

__all__ = ["PaperTexts", "ag_news", "yelp_5"]


class PaperTexts(EncodingSource):
    """Labelled texts; the published training texts are members for ``pools.members: given``."""

    def __init__(self, facts: PaperFacts, params: PaperParams, *, columns: tuple[str, ...]) -> None:
        self._facts = facts
        self._params = params
        self._columns = columns

    def load(self) -> Dataset:
        """Read the available files."""
        facts = self._facts
        root = root_of(self._params, facts)
        stem = facts.name.replace("-", "_")
        patterns = {split: (f"{split}.csv", f"{stem}_{split}.csv") for split in ("train", "test")}
        texts: list[str] = []
        labels: list[int] = []
        sides: list[bool] = []
        files = find_splits(root, facts, patterns)
        for split, [path, *_] in files.items():
            # missing=(): an empty title or "NA" is text here, not a missing value.
            table = read_csv(path, names=("label", *self._columns), missing=())
            labels += [self._label(cell) for cell in table["label"].cells]
            columns = [table[name].cells for name in self._columns]
            texts += ["\n".join(map(_plain, row)) for row in zip(*columns, strict=True)]
            sides += [split == "train"] * len(columns[0])
        given = torch.tensor(sides) if len(files) > 1 else None
        label = torch.tensor(labels)
        rows = torch.from_numpy(sample_rows(label.numpy(), given, self._params))
        return Dataset(
            # Zero columns: the text encoder of the model makes the inputs.
            inputs=torch.zeros(len(rows), 0),
            labels=label[rows],
            classes=facts.labels,
            attributes={},
            encoder=TableEncoder({}, {}, self._columns),
            texts=tuple(texts[row] for row in rows.tolist()),
            is_member=None if given is None else given[rows],
            notes=(f"{len(rows)} of {len(texts)} texts are used",),
        )

    def _label(self, cell: str | None) -> int:
        count = len(self._facts.labels)
        if cell is None or not cell.isdecimal() or not 1 <= int(cell) <= count:
            raise DataError(
                f"{cell!r} is not a label from 1 to {count}",
                hint=f"download the files of {self._facts.name!r} again",
                field=("root",),
            )
        return int(cell) - 1  # classes count from 0


def _plain(cell: str | None) -> str:
    r"""Restore line breaks, distributed as the two characters ``\n`` or as a backslash."""
    return (cell or "").replace("\\n", "\n").replace("\\", " ")


yelp_5 = partial(PaperTexts, FACTS["yelp-5"], columns=("review",))
ag_news = partial(PaperTexts, FACTS["ag-news"], columns=("title", "description"))
