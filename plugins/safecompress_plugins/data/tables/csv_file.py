"""Text files with one sample per line."""

import codecs
import csv
import json
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from safecompress_core.toolkit import DataError, Dataset
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.files import require_existing
from safecompress_plugins.data.tables.columns import RawColumn, Table
from safecompress_plugins.data.tables.manifest import CsvParams
from safecompress_plugins.data.tables.table import dataset_of_sides

__all__ = ["CsvFile", "read_csv", "table_of"]

DELIMITERS = (";", "\t", "|", ",")
LONGEST = 1 << 24  # characters per cell: enough for a document, too few for an unclosed quote


class CsvFile(EncodingSource):
    """A CSV file; column names are in its first line, or in the parameters."""

    def __init__(self, params: CsvParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read one file or both, and encode their columns."""
        params = self._params
        members = self._read(params.path, field="path")
        if params.non_members is None:
            return dataset_of_sides(members, None, params)
        return dataset_of_sides(
            members, self._read(params.non_members, field="non_members"), params
        )

    def _read(self, path: str, *, field: str) -> Table:
        return table_of(require_existing(path, field=(field,)), self._params)


def table_of(path: Path, params: CsvParams) -> Table:
    """Read all columns of a file as the parameters say.

    Raises:
        DataError: if the file is not readable as such.
    """
    return read_csv(
        path,
        names=params.names,
        delimiter=params.delimiter,
        encoding=params.encoding,
        missing=params.missing,
    )


def read_csv(
    path: Path,
    *,
    names: Sequence[str] = (),
    delimiter: str = ",",
    encoding: str = "utf-8",
    missing: Collection[str],
    comment: str | None = None,
    numbered: bool = False,
) -> Table:
    """Read all columns of a text file; blanks around cells are ignored.

    Args:
        path: the file.
        names: column names; empty for those of the first line.
        delimiter: separates cells.
        encoding: of the text; a byte-order mark of UTF-8 or UTF-16 takes precedence.
        missing: spellings of a missing value.
        comment: prefix of lines to skip.
        numbered: rename repeated columns to ``name.1``, … instead of rejecting them.

    Raises:
        DataError: if it is not such a file, or a line has another number of cells than the first.
    """
    # Python's default limit of 131,072 characters is less than many documents.
    csv.field_size_limit(LONGEST)
    blank = frozenset(missing)
    try:
        # newline="": the csv module handles line breaks inside quotes itself.
        with path.open(encoding=_encoding(path, encoding), newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
            header = [name.strip() for name in (names or next(reader, []))]
            header = _number(header) if numbered else header
            _check_header(header, path, delimiter)
            rows = []
            for cells in reader:
                # An empty line at the end is usual.
                if not cells or (comment and cells[0].startswith(comment)):
                    continue
                if len(cells) != len(header):
                    raise _uneven(cells, header, f"line {reader.line_num} of {str(path)!r}")
                rows.append(cells)
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(
            f"cannot read {str(path)!r} as {encoding} text with cells ({error})",
            hint="write its 'encoding', latin-1 or cp1252, say, or save it as UTF-8 text",
            field=("path",),
        ) from error
    # The file's own header would otherwise be read as a sample.
    if names and rows and {cell.strip() for cell in rows[0]} == set(names):
        raise DataError(
            f"the first line of {str(path)!r} holds the names, and 'names' gives them again",
            hint="remove 'names'",
            field=("names",),
        )
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return {
        name: RawColumn([None if (cell := text.strip()) in blank else cell for text in cells])
        for name, cells in zip(header, columns, strict=True)
    }


def _encoding(path: Path, stated: str) -> str:
    """Return the encoding of a byte-order mark, or else the stated one."""
    with path.open("rb") as file:
        first = file.read(3)
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if first == codecs.BOM_UTF8 else stated


def _uneven(cells: Sequence[str], header: Sequence[str], place: str) -> DataError:
    """Build the error for a line with another number of cells than columns."""
    hint = "correct the file, the delimiter or the names"
    # A trailing delimiter on every line but the header is a common export.
    if len(cells) == len(header) + 1 and not cells[-1].strip():
        hint = "remove the delimiter at the end of each line, or add one to the header"
    elif len(cells) == 1 and (other := _other_delimiter(cells[0])):
        hint = f"write 'delimiter: {json.dumps(other)}'"
    return DataError(
        f"{place} has {len(cells)} cells instead of {len(header)}",
        hint=hint,
        field=("path",),
    )


def _other_delimiter(text: str) -> str:
    """Find another delimiter that would split a line; empty if there is none."""
    return next((delimiter for delimiter in DELIMITERS if delimiter in text), "")


def _number(header: Sequence[str]) -> list[str]:
    counts: Counter[str] = Counter()
    names = []
    for name in header:
        names.append(f"{name}.{counts[name]}" if counts[name] else name)
        counts[name] += 1
    return names


def _check_header(header: Sequence[str], path: Path, delimiter: str) -> None:
    if not header:
        raise DataError(f"{str(path)!r} is empty", hint="name another file", field=("path",))
    # UTF-16 without a mark decodes as UTF-8 with a zero byte after each ASCII letter.
    if any("\0" in name for name in header):
        raise DataError(
            f"{str(path)!r} holds zero bytes, like UTF-16 text without a byte-order mark",
            hint="write 'encoding: utf-16-le', or save it as UTF-8 text",
            field=("path",),
        )
    if len(header) == 1 and (other := _other_delimiter(header[0])) and other != delimiter:
        raise DataError(
            f"the first line of {str(path)!r} has a single cell, {header[0]!r}",
            hint=f"write 'delimiter: {json.dumps(other)}'",
            field=("path",),
        )
    # One nameless column is usual: pandas writes its index so.
    nameless = [str(place) for place, name in enumerate(header, start=1) if not name]
    if len(nameless) > 1:
        raise DataError(
            f"columns {', '.join(nameless)} of {str(path)!r} have no name",
            hint="name them in its first line, or give 'names' if its first line is a sample",
            field=("path",),
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(
            f"{str(path)!r} has two columns called {twice[0]!r}",
            hint="rename one of them, or give 'names' if its first line is a sample",
            field=("path",),
        )
