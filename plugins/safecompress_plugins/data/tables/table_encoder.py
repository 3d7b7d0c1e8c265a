"""Encoder of table rows: model inputs with the encoding of the training table.

Its record is part of the model file: names of columns and categories, means, standard deviations,
medians, and the format of cells. It contains no row.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from safecompress_core.toolkit import DataError, EncodedRows, Encoder
from safecompress_plugins.data.tables.columns import RawColumn, Table, cell_of
from safecompress_plugins.data.tables.encoding import CategoryRule, NumberRule, Rule, rule_of
from safecompress_plugins.data.tables.manifest import CsvParams, TableParams
from safecompress_plugins.data.tables.numbers import Separators, numbers_of

__all__ = ["TableEncoder"]

ROLES = (
    *("path", "non_members", "target", "private", "members", "group", "samples", "samples_seed"),
    *("drop", "categorical", "numeric", "text", "scale", "rows_with_missing"),
    *("fewest_per_label", "most_categories"),
)
"""Parameters without influence on the reading of cells; the rules have the rest."""
PARQUET = {".parquet", ".pq"}


@dataclass(frozen=True)
class TableEncoder(Encoder):
    """Columns in order, each with the rule of its encoding.

    Attributes:
        reading: parameters of reading cells, as in ``csv``.
        rules: of each input column.
        text: text columns, joined by line breaks, for a text model.
    """

    reading: Mapping[str, Any]
    rules: Mapping[str, Rule]
    text: tuple[str, ...] = ()

    @classmethod
    def of(cls, params: TableParams, rules: Mapping[str, Rule]) -> "TableEncoder":
        """Build the encoder of a table that was read with these parameters."""
        written = params.model_dump(mode="json")
        reading = {
            name: written[name]
            for name in CsvParams.model_fields
            if name in written and name not in ROLES
        }
        return cls(reading, rules, tuple(params.text))

    @classmethod
    def restore(cls, record: Mapping[str, Any]) -> "TableEncoder":
        """Rebuild the encoder from its record."""
        rules = {name: rule_of(rule) for name, rule in record["columns"]}
        return cls(record["reading"], rules, tuple(record["text"]))

    @property
    def record(self) -> dict[str, Any]:
        """JSON-ready fields of the encoder; columns are a list, since their order matters."""
        return {
            "kind": "table",
            "reading": dict(self.reading),
            "columns": [[name, rule.record] for name, rule in self.rules.items()],
            "text": list(self.text),
        }

    def encode(self, rows: Any) -> EncodedRows:
        """Encode rows as inputs, shape (N, K), or as texts.

        Args:
            rows: mappings from column to value, a data frame, a mapping from column to values, or
                the path of a CSV or Parquet file. Columns that are not inputs are ignored.

        Raises:
            DataError: if a column is missing, or a value is unknown from training; a missing number
                becomes the median, a missing category its own category if training had any.
        """
        table = self._table(rows)
        count = len(next(iter(table.values())).cells) if table else 0
        wanted = self.text or tuple(self.rules)
        missing = [name for name in wanted if name not in table]
        if missing:
            raise DataError(
                f"the rows have no column {', '.join(map(repr, missing))}",
                hint=f"the model takes: {', '.join(wanted)}",
            )
        numbers = tuple(str(row + 1) for row in range(count))
        if self.text:
            columns = [table[name].cells for name in self.text]
            texts = tuple(
                "\n".join(cell or "" for cell in row) for row in zip(*columns, strict=True)
            )
            return EncodedRows(inputs=torch.zeros(count, 0), texts=texts, names=numbers)
        separators = Separators(self.reading.get("decimal", "."), self.reading.get("thousands"))
        blocks = [
            _encode_column(rule, name, table[name], separators) for name, rule in self.rules.items()
        ]
        return EncodedRows(inputs=torch.cat(blocks, dim=1), names=numbers)

    def _table(self, rows: Any) -> Table:
        if isinstance(rows, str | PathLike):
            return self._file(Path(rows))
        blank = frozenset(self.reading.get("missing", ()))
        columns = _columns(rows, default=self.text or tuple(self.rules))
        return {
            str(name): RawColumn([self._cell(str(name), value, blank) for value in values])
            for name, values in columns.items()
        }

    def _cell(self, name: str, value: Any, blank: Collection[str]) -> str | None:
        """Convert a value to a cell as in a file; a number gets the file's decimal separator."""
        # A string is already spelt by the user; only numbers come with Python's point.
        cell = cell_of(value, blank)
        is_number = isinstance(self.rules.get(name), NumberRule) and not isinstance(value, str)
        return cell.replace(".", self.reading.get("decimal", ".")) if cell and is_number else cell

    def _file(self, path: Path) -> Table:
        if path.suffix.lower() in PARQUET:
            from safecompress_plugins.data.tables.parquet_file import (  # noqa: PLC0415  needs an extra
                arrow_table,
                plain_table,
            )

            return plain_table(arrow_table([path]), self.reading.get("missing", ()))
        from safecompress_plugins.data.tables.csv_file import table_of  # noqa: PLC0415  it imports this

        given = {**self.reading, "path": str(path), "target": ""}
        return table_of(path, CsvParams.model_validate(given))


def _columns(rows: Any, *, default: tuple[str, ...]) -> Mapping[str, Sequence[Any]]:
    """Return values by column, of rows in any form; without rows, empty default columns."""
    for method in ("to_pylist", "to_dicts"):  # of pyarrow and polars
        if hasattr(rows, method):
            rows = getattr(rows, method)()
    if hasattr(rows, "columns") and hasattr(rows, "to_dict"):  # pandas
        # Before Mapping: a DataFrame is not a Mapping, but iterating it yields column names, not
        # rows.
        rows = rows.to_dict(orient="list")
    if isinstance(rows, Mapping):
        # Scalars instead of columns: a single row was given.
        if any(isinstance(cell, str) or not isinstance(cell, Iterable) for cell in rows.values()):
            message = "a single mapping of values is given"
            raise DataError(message, hint="give a list of rows: [{...}]")
        return rows
    rows = list(rows)
    odd = [row for row in rows if not isinstance(row, Mapping)]
    if odd:
        raise DataError(
            f"a row is a {type(odd[0]).__name__}",
            hint="give mappings from column to value, a data frame, or a file",
        )
    # Rows may lack keys; dict.fromkeys keeps the order of first appearance.
    names = dict.fromkeys(name for row in rows for name in row) if rows else default
    return {name: [row.get(name) for row in rows] for name in names}


def _encode_column(rule: Rule, name: str, column: RawColumn, separators: Separators) -> Tensor:
    """Encode one column, shape (N, K)."""
    if isinstance(rule, CategoryRule):
        unknown = rule.unknown(column)
        if unknown is not None:
            value = column.cells[unknown]
            what = "is empty" if value is None else f"holds {value!r}"
            raise DataError(
                f"row {unknown + 1}: the column {name!r} {what}, a value unknown from training",
                hint=f"use one of: {', '.join(rule.names)}",
            )
        return rule.block(column)
    numbers = numbers_of(column, separators)
    if numbers.odd:
        row = numbers.odd[0]
        raise DataError(
            f"row {row + 1}: the column {name!r} holds {column.cells[row]!r}, not a number",
            hint="write a number, or leave the cell empty for the median of training",
        )
    return rule.scale(numbers.values)
