"""Text files with a sample a line."""

import csv
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from safecompress_core.toolkit import DataError, Dataset
from safecompress_plugins.data.columns import RawColumn, Table
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.files import existing
from safecompress_plugins.data.table import dataset_of_sides
from safecompress_plugins.data.table_manifest import CsvParams

__all__ = ["CsvFile", "read_csv", "table_of"]

LONGEST = 1 << 24  # characters in a cell: a document, not a broken quote that eats the file


class CsvFile(EncodingSource):
    """One line a sample; the first line has the names of the columns, or the parameters do."""

    def __init__(self, params: CsvParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read the file, or both, and encode the columns."""
        params = self._params
        members = self._read(params.path, field="path")
        if params.non_members is None:
            return dataset_of_sides(members, None, params)
        return dataset_of_sides(
            members, self._read(params.non_members, field="non_members"), params
        )

    def _read(self, path: str, *, field: str) -> Table:
        return table_of(existing(path, field=(field,)), self._params)


def table_of(path: Path, params: CsvParams) -> Table:
    """All columns of a file, read as parameters say.

    Raises:
        DataError: if it cannot be read so.
    """
    return read_csv(path, names=params.names, delimiter=params.delimiter, missing=params.missing)


def read_csv(
    path: Path,
    *,
    names: Sequence[str] = (),
    delimiter: str = ",",
    missing: Collection[str],
    comment: str | None = None,
    numbered: bool = False,
) -> Table:
    """All columns of a UTF-8 file; blanks around cells are no part of them.

    Args:
        path: the file.
        names: of the columns; those of the first line if there are none.
        delimiter: what stands between two cells.
        missing: what a cell without a value holds.
        comment: what lines that hold no sample begin with.
        numbered: whether a second column of one name is called ``name.1``, rather than refused.

    Raises:
        DataError: if it is no such file, or a line has more or fewer cells than the first.
    """
    csv.field_size_limit(LONGEST)
    blank = frozenset(missing)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
            header = [name.strip() for name in (names or next(reader, []))]
            header = _numbered(header) if numbered else header
            _check_header(header, path)
            rows = []
            for cells in reader:
                if not cells or (comment and cells[0].startswith(comment)):
                    continue
                if len(cells) != len(header):
                    raise DataError(
                        f"line {reader.line_num} of {str(path)!r} has {len(cells)} cells, "
                        f"and there are {len(header)} columns",
                        mend="mend the file, or write another delimiter, or the right names",
                        field=("path",),
                    )
                rows.append(cells)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"cannot read {str(path)!r} as UTF-8 text with cells ({error})",
            mend="save it as plain UTF-8 text",
            field=("path",),
        ) from error
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return {
        name: RawColumn([None if (cell := one.strip()) in blank else cell for one in cells])
        for name, cells in zip(header, columns, strict=True)
    }


def _numbered(header: Sequence[str]) -> list[str]:
    counts: Counter[str] = Counter()
    names = []
    for name in header:
        names.append(f"{name}.{counts[name]}" if counts[name] else name)
        counts[name] += 1
    return names


def _check_header(header: Sequence[str], path: Path) -> None:
    if not header:
        raise DataError(f"{str(path)!r} is empty", mend="name another file", field=("path",))
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(
            f"{str(path)!r} has two columns called {twice[0]!r}",
            mend="rename one of them, or give 'names' if its first line is a sample",
            field=("path",),
        )
