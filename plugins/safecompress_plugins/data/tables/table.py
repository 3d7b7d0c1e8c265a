"""Conversion of table columns to samples: task, inputs and private attributes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import Attribute, DataError, Dataset
from safecompress_plugins.data.samples import SIDE, is_member_of, join, sample_rows
from safecompress_plugins.data.tables.columns import RawColumn, Table, require_columns
from safecompress_plugins.data.tables.encoding import (
    CategoryCodes,
    EncodedColumn,
    encode_categories,
    intervals_of,
    one_hot,
    standardise,
    without_scaling,
)
from safecompress_plugins.data.tables.manifest import PrivateColumn, TableParams
from safecompress_plugins.data.tables.number_columns import NumberColumns
from safecompress_plugins.data.tables.table_encoder import TableEncoder

__all__ = ["dataset_of", "dataset_of_sides"]

MOST_LABELS = 1000
"""Maximum number of labels; with more, or all distinct, a target is not categorical."""

Path = tuple[str | int, ...]


def dataset_of(table: Table, params: TableParams) -> Dataset:
    """Build a data set from columns, as the parameters say.

    Raises:
        DataError: at the parameter that does not fit the table.
    """
    require_columns(table, _named_columns(params))
    _check_roles(params)
    return _TableReader(table, params).dataset()


def dataset_of_sides(members: Table, non_members: Table | None, params: TableParams) -> Dataset:
    """Build a data set from one table, or from two that are encoded as one.

    Raises:
        DataError: at the parameter that does not fit the tables, or if two tables and a column both
            give membership.
    """
    if non_members is None:
        return dataset_of(members, params)
    if params.members is not None:
        raise DataError(
            f"the column {params.members!r} and the two files both give membership",
            hint="remove one of them",
            field=("members",),
        )
    whole = join(members, non_members)
    return dataset_of(whole, params.model_copy(update={"members": SIDE}))


def _named_columns(params: TableParams) -> Iterator[tuple[Path, str]]:
    """Yield every column named by the parameters, with the field of the name."""
    yield ("target",), params.target
    for index, private_column in enumerate(params.private):
        yield _private_path(params, index), _private(private_column).column
    for name in ("drop", "categorical", "numeric", "text"):
        for index, column in enumerate(getattr(params, name)):
            yield (name, index), column
    for name in ("members", "group"):
        if (column := getattr(params, name)) is not None:
            yield (name,), column


def _private(private_column: str | PrivateColumn) -> PrivateColumn:
    return (
        PrivateColumn(column=private_column) if isinstance(private_column, str) else private_column
    )


def _private_path(params: TableParams, index: int) -> Path:
    short = isinstance(params.private[index], str)
    return ("private", index) if short else ("private", index, "column")


def _check_roles(params: TableParams) -> None:
    for index, private_column in enumerate(params.private):
        if _private(private_column).column == params.target:
            raise DataError(
                f"{params.target!r} is the task, so it cannot be private as well",
                hint="predict another column, or remove it from 'private'",
                field=_private_path(params, index),
            )
    for index, name in enumerate(params.drop):
        if name == params.target or name in {
            _private(private_column).column for private_column in params.private
        }:
            raise DataError(
                f"{name!r} is dropped, but is also the target or private",
                hint="remove it from 'drop'; a private column is not an input anyway",
                field=("drop", index),
            )


@dataclass
class _TableReader:
    """A table in conversion, with the notes and warnings so far."""

    table: Table
    params: TableParams
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = NumberColumns(self.table, self.params)

    def dataset(self) -> Dataset:
        # The order of these steps matters: indices are detected before rows go, unlabelled rows go
        # before sampling, and encodings (means, categories, intervals) see the final rows alone.
        params = self.params
        roles = {name for _, name in _named_columns(params) if name not in params.numeric}
        self._numbers.point_out_indices(self.table, roles)
        self._keep(self._complete(), "their label or another required value is missing")
        labels, classes = self._labels()
        self._keep(sample_rows(labels, self._members(), params), f"'samples' is {params.samples}")
        # Labels are renumbered after each step, since one may have lost its last row.
        labels, classes = self._labels()
        fewest = params.fewest_per_label
        self._keep(
            np.flatnonzero(np.bincount(labels)[labels] >= fewest),
            f"their labels have fewer than {fewest} samples",
        )
        labels, classes = self._labels()
        self._check_alone(labels, classes)
        unified = encode_categories(self.table[params.target]).note.partition(", ")[2]
        unified_note = f"; {unified}" if unified else ""
        self.notes.append(f"{params.target}: the task, {len(classes)} labels{unified_note}")
        parts = self._inputs()
        inputs, attributes, features = self._join(parts)
        rules = {part.name: part.encoded.rule for part in parts if part.encoded is not None}
        # Rules only of inputs: the encoder must not need a private or target column.
        return Dataset(
            inputs=inputs,
            labels=torch.from_numpy(labels),
            classes=classes,
            attributes=attributes,
            features=features,
            texts=self._texts(),
            is_member=self._members(),
            groups=self._groups(),
            encoder=TableEncoder.of(params, rules),
            notes=tuple(self.notes),
            warnings=(*self._numbers.warnings, *self.warnings),
        )

    def _keep(self, rows: NDArray[np.int64], why: str) -> None:
        count = len(self.table[self.params.target].cells)
        if len(rows) < count:
            self.notes.append(f"{count - len(rows)} of {count} rows are left out: {why}")
            self.table = {name: column.take(rows) for name, column in self.table.items()}
            self._numbers.keep(rows)

    def _complete(self) -> NDArray[np.int64]:
        """Return rows with a label; with ``drop``, rows without any missing value."""
        # A copy: the cached mask of the column must not collect other columns' missing cells.
        missing = self.table[self.params.target].missing.copy()
        if self.params.rows_with_missing == "drop":
            for name, column in self.table.items():
                if name not in self.params.drop:
                    missing |= column.missing
        return np.flatnonzero(~missing)

    def _labels(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        labels = encode_categories(self.table[self.params.target])
        count = len(labels.codes)
        if not count:
            message = "no row is left" if self.notes else "the table has no rows"
            raise DataError(message, hint="use other data, or leave out fewer rows")
        if len(labels.names) > MOST_LABELS or 2 < count == len(labels.names):
            raise DataError(
                f"{self.params.target!r} has {len(labels.names)} values in {count} samples, "
                "too many for labels",
                hint="name a column of categories; regression is not supported",
                field=("target",),
            )
        return labels.codes, labels.names

    def _check_alone(self, labels: NDArray[np.int64], classes: tuple[str, ...]) -> None:
        """Reject labels of a single sample, which would be on one side only."""
        alone = [classes[label] for label in np.flatnonzero(np.bincount(labels) == 1)]
        if alone:
            raise DataError(
                f"{', '.join(map(repr, alone))} of {self.params.target!r} has a single sample, "
                "which cannot be a member and a non-member",
                hint="write 'fewest_per_label: 2', for example, to leave such rows out",
                field=("target",),
            )

    def _members(self) -> Tensor | None:
        name = self.params.members
        return (
            None
            if name is None
            else is_member_of(self.table[name], ("members",), rows=self._numbers.rows)
        )

    def _texts(self) -> tuple[str, ...]:
        if not self.params.text:
            return ()
        self.notes.append(f"{', '.join(self.params.text)}: the input text")
        columns = [self.table[name].cells for name in self.params.text]
        return tuple("\n".join(cell or "" for cell in row) for row in zip(*columns, strict=True))

    def _groups(self) -> Tensor | None:
        if self.params.group is None:
            return None
        groups = encode_categories(self.table[self.params.group])
        self.notes.append(f"{self.params.group}: {len(groups.names)} groups, never split")
        return torch.from_numpy(groups.codes)

    def _inputs(self) -> "list[_Part]":
        params = self.params
        private = {
            _private(private_column).column: _private(private_column)
            for private_column in params.private
        }
        # Private parts come first, and their inputs with them: a stable order for the encoder's
        # record.
        parts = [
            self._private_part(index, private_column)
            for index, private_column in enumerate(private.values())
        ]
        aside = {params.target, params.members, params.group, *params.drop, *params.text}
        for name in params.drop:
            self.notes.append(f"{name}: left out")
        # A text model has no other inputs.
        if params.text:
            aside |= self.table.keys()
        for name, column in self.table.items():
            if name not in aside and name not in private:
                parts += self._public_part(name, column)
        if not params.text and not any(part.encoded for part in parts):
            message = "no column is left as an input"
            raise DataError(message, hint="remove columns from 'drop' or 'private'")
        return parts

    def _public_part(self, name: str, column: RawColumn) -> "list[_Part]":
        numbers = self._numbers.of(name, column)
        if len(column.cells) == 0 or column.missing.all():
            self.notes.append(f"{name}: left out, since it is empty")
            return []
        if len(set(column.cells)) == 1:
            self.notes.append(f"{name}: left out, since it is constant")
            return []
        if numbers is not None:
            encoded = self._scale(name, numbers)
        else:
            # One-hot inputs of an identifier would let the model memorise rows by name.
            distinct = len(set(column.cells))
            if distinct == len(column.cells) and distinct > self.params.most_categories:
                self.notes.append(f"{name}: left out, since all its values differ")
                return []
            encoded = one_hot(encode_categories(column, most=self.params.most_categories))
        self.notes.append(f"{name}: {encoded.note}")
        return [_Part(name, encoded)]

    def _private_part(self, index: int, wanted: PrivateColumn) -> "_Part":
        name = wanted.column
        column = self.table[name]
        numbers = self._numbers.of(name, column)
        if numbers is not None and not np.isnan(numbers).all():
            if np.isnan(numbers).any():
                # Intervals need complete numbers; the median keeps a missing value inconspicuous.
                numbers = np.where(np.isnan(numbers), np.nanmedian(numbers), numbers)
            values = intervals_of(numbers, wanted.intervals)
        else:
            values, numbers = encode_categories(column), None
        if len(values.names) < 2:
            raise DataError(
                f"all samples have the same {name!r}, so there is nothing to infer",
                hint="remove it from 'private'",
                field=_private_path(self.params, index),
            )
        seen = "also an input" if wanted.input else "not an input"
        self.notes.append(f"{name}: private, {values.note}, {seen}")
        encoded = None
        if wanted.input:
            encoded = one_hot(values) if numbers is None else self._scale(name, numbers)
            self.warnings.append(
                f"{name!r} is private and an input of the model: knowing the inputs is knowing it"
            )
        return _Part(name, encoded, values, numbers)

    def _scale(self, name: str, numbers: NDArray[np.float64]) -> EncodedColumn:
        if self.params.scale == "standard":
            return standardise(numbers)
        return without_scaling(numbers, name=name)

    def _join(
        self, parts: "list[_Part]"
    ) -> tuple[Tensor, dict[str, Attribute], dict[str, tuple[int, ...]]]:
        """Concatenate inputs, and locate attributes and features among them."""
        blocks: list[Tensor] = []
        attributes: dict[str, Attribute] = {}
        features: dict[str, tuple[int, ...]] = {}
        width = 0
        for part in parts:
            columns: tuple[int, ...] = ()
            if part.encoded is not None:
                columns = tuple(range(width, width + part.encoded.block.shape[1]))
                width += len(columns)
                blocks.append(part.encoded.block)
            if part.private is None:
                features[part.name] = columns
            else:
                attributes[part.name] = part.attribute(columns)
        count = len(self.table[self.params.target].cells)
        return torch.cat(blocks, dim=1) if blocks else torch.zeros(count, 0), attributes, features


@dataclass(frozen=True)
class _Part:
    """Result of one column: an input, a private attribute, or both."""

    name: str
    encoded: EncodedColumn | None
    private: CategoryCodes | None = None
    numbers: NDArray[np.float64] | None = None

    def attribute(self, columns: tuple[int, ...]) -> Attribute:
        """Build the private attribute, with its position in the inputs."""
        assert self.private is not None
        values = torch.from_numpy(self.private.codes)
        codes = None
        if self.encoded is not None:
            codes = self.encoded.codes
            if codes is None:  # each interval's median, scaled as the inputs are
                held = [self.encoded.block[values == value] for value in values.unique()]
                codes = torch.stack([block.median(dim=0).values for block in held])
        return Attribute(
            values=values,
            names=self.private.names,
            numbers=None if self.numbers is None else torch.from_numpy(self.numbers),
            columns=columns,
            codes=codes,
        )
