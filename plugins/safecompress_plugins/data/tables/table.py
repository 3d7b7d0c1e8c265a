"""From the columns of a table to samples: what is task, what is input, what is private."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import Attribute, DataError, Dataset
from safecompress_plugins.data.samples import SIDE, is_member_of, joined, sampled_rows
from safecompress_plugins.data.tables.columns import RawColumn, Table, require_columns
from safecompress_plugins.data.tables.encoding import (
    Coded,
    Encoded,
    as_they_are,
    coded,
    intervals_of,
    one_hot,
    standardised,
)
from safecompress_plugins.data.tables.manifest import PrivateColumn, TableParams
from safecompress_plugins.data.tables.number_columns import NumberColumns
from safecompress_plugins.data.tables.table_encoder import TableEncoder

__all__ = ["dataset_of", "dataset_of_sides"]

MOST_LABELS = 1000
"""A target with more values than these, or with all different, is no label."""

Path = tuple[str | int, ...]


def dataset_of(table: Table, params: TableParams) -> Dataset:
    """Samples out of columns, as the parameters say.

    Raises:
        DataError: at the parameter that does not fit the table.
    """
    require_columns(table, _named(params))
    _check_roles(params)
    return _Reading(table, params).dataset()


def dataset_of_sides(members: Table, non_members: Table | None, params: TableParams) -> Dataset:
    """Samples out of one table, or out of two that are encoded as one.

    Raises:
        DataError: at the parameter that does not fit the tables, or if two tables and a column both
            tell who is a member.
    """
    if non_members is None:
        return dataset_of(members, params)
    if params.members is not None:
        raise DataError(
            f"the column {params.members!r} tells who is a member, and so do the two files",
            mend="leave one of them out",
            field=("members",),
        )
    whole = joined(members, non_members)
    return dataset_of(whole, params.model_copy(update={"members": SIDE}))


def _named(params: TableParams) -> Iterator[tuple[Path, str]]:
    """Every column that the parameters name, with the place of the name."""
    yield ("target",), params.target
    for index, one in enumerate(params.private):
        yield _private_path(params, index), _private(one).column
    for name in ("drop", "categorical", "numeric", "text"):
        for index, column in enumerate(getattr(params, name)):
            yield (name, index), column
    for name in ("members", "group"):
        if (column := getattr(params, name)) is not None:
            yield (name,), column


def _private(one: str | PrivateColumn) -> PrivateColumn:
    return PrivateColumn(column=one) if isinstance(one, str) else one


def _private_path(params: TableParams, index: int) -> Path:
    short = isinstance(params.private[index], str)
    return ("private", index) if short else ("private", index, "column")


def _check_roles(params: TableParams) -> None:
    for index, one in enumerate(params.private):
        if _private(one).column == params.target:
            raise DataError(
                f"{params.target!r} is what the model predicts, so it cannot be private as well",
                mend="predict another column, or leave it out of 'private'",
                field=_private_path(params, index),
            )
    for index, name in enumerate(params.drop):
        if name == params.target or name in {_private(one).column for one in params.private}:
            raise DataError(
                f"{name!r} is left out and has another part to play",
                mend="take it out of 'drop'; a private column is no input anyway",
                field=("drop", index),
            )


@dataclass
class _Reading:
    """One table on its way; gathers what is said about it."""

    table: Table
    params: TableParams
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = NumberColumns(self.table, self.params)

    def dataset(self) -> Dataset:
        params = self.params
        roles = {name for _, name in _named(params) if name not in params.numeric}
        self._numbers.point_out_indices(self.table, roles)
        self._keep(self._complete(), "their label, or another value that is needed, is missing")
        labels, classes = self._labels()
        self._keep(sampled_rows(labels, self._members(), params), f"'samples' is {params.samples}")
        labels, classes = self._labels()
        fewest = params.fewest_per_label
        self._keep(
            np.flatnonzero(np.bincount(labels)[labels] >= fewest),
            f"their labels have fewer than {fewest} samples",
        )
        labels, classes = self._labels()
        self._check_alone(labels, classes)
        unified = coded(self.table[params.target]).note.partition(", ")[2]
        told = f"; {unified}" if unified else ""
        self.notes.append(f"{params.target}: the task, {len(classes)} labels{told}")
        parts = self._inputs()
        inputs, attributes, features = self._joined(parts)
        rules = {part.name: part.encoded.rule for part in parts if part.encoded is not None}
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
        """Rows with a label; if rows with anything missing are dropped, those without."""
        missing = self.table[self.params.target].missing.copy()
        if self.params.rows_with_missing == "drop":
            for name, column in self.table.items():
                if name not in self.params.drop:
                    missing |= column.missing
        return np.flatnonzero(~missing)

    def _labels(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        labels = coded(self.table[self.params.target])
        count = len(labels.codes)
        if not count:
            message = "no row is left" if self.notes else "the table has no rows"
            raise DataError(message, mend="use other data, or leave fewer rows out")
        if len(labels.names) > MOST_LABELS or 2 < count == len(labels.names):
            raise DataError(
                f"{self.params.target!r} has {len(labels.names)} values in {count} samples, "
                "which are too many for labels",
                mend="name a column of categories; regression is no task here",
                field=("target",),
            )
        return labels.codes, labels.names

    def _check_alone(self, labels: NDArray[np.int64], classes: tuple[str, ...]) -> None:
        """A label that one sample has would be on one side only."""
        alone = [classes[label] for label in np.flatnonzero(np.bincount(labels) == 1)]
        if alone:
            raise DataError(
                f"{', '.join(map(repr, alone))} of {self.params.target!r} has a single sample, "
                "which cannot be a member and a non-member",
                mend="write 'fewest_per_label: 2', say, to leave such rows out",
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
        self.notes.append(f"{', '.join(self.params.text)}: the text that the model reads")
        columns = [self.table[name].cells for name in self.params.text]
        return tuple("\n".join(cell or "" for cell in row) for row in zip(*columns, strict=True))

    def _groups(self) -> Tensor | None:
        if self.params.group is None:
            return None
        groups = coded(self.table[self.params.group])
        self.notes.append(f"{self.params.group}: {len(groups.names)} groups, never divided")
        return torch.from_numpy(groups.codes)

    def _inputs(self) -> "list[_Part]":
        params = self.params
        private = {_private(one).column: _private(one) for one in params.private}
        parts = [self._private_part(index, one) for index, one in enumerate(private.values())]
        aside = {params.target, params.members, params.group, *params.drop, *params.text}
        for name in params.drop:
            self.notes.append(f"{name}: left out")
        if params.text:
            aside |= self.table.keys()
        for name, column in self.table.items():
            if name not in aside and name not in private:
                parts += self._public_part(name, column)
        if not params.text and not any(part.encoded for part in parts):
            message = "no column is left for the model to see"
            raise DataError(message, mend="take some out of 'drop' or 'private'")
        return parts

    def _public_part(self, name: str, column: RawColumn) -> "list[_Part]":
        numbers = self._numbers.of(name, column)
        if len(column.cells) == 0 or column.missing.all():
            self.notes.append(f"{name}: left out, since it is empty")
            return []
        if len(set(column.cells)) == 1:
            self.notes.append(f"{name}: left out, since all samples have the same")
            return []
        if numbers is not None:
            encoded = self._scaled(name, numbers)
        else:
            distinct = len(set(column.cells))
            if distinct == len(column.cells) and distinct > self.params.most_categories:
                self.notes.append(f"{name}: left out, since all samples differ, as names do")
                return []
            encoded = one_hot(coded(column, most=self.params.most_categories))
        self.notes.append(f"{name}: {encoded.note}")
        return [_Part(name, encoded)]

    def _private_part(self, index: int, wanted: PrivateColumn) -> "_Part":
        name = wanted.column
        column = self.table[name]
        numbers = self._numbers.of(name, column)
        if numbers is not None and not np.isnan(numbers).all():
            if np.isnan(numbers).any():
                numbers = np.where(np.isnan(numbers), np.nanmedian(numbers), numbers)
            values = intervals_of(numbers, wanted.intervals)
        else:
            values, numbers = coded(column), None
        if len(values.names) < 2:
            raise DataError(
                f"all samples have the same {name!r}, so there is nothing to find out",
                mend="leave it out of 'private'",
                field=_private_path(self.params, index),
            )
        seen = "an input as well" if wanted.input else "no input"
        self.notes.append(f"{name}: private, {values.note}, {seen}")
        encoded = None
        if wanted.input:
            encoded = one_hot(values) if numbers is None else self._scaled(name, numbers)
            self.warnings.append(
                f"{name!r} is private and an input of the model: whoever sees the input knows it"
            )
        return _Part(name, encoded, values, numbers)

    def _scaled(self, name: str, numbers: NDArray[np.float64]) -> Encoded:
        if self.params.scale == "standard":
            return standardised(numbers)
        return as_they_are(numbers, name=name)

    def _joined(
        self, parts: "list[_Part]"
    ) -> tuple[Tensor, dict[str, Attribute], dict[str, tuple[int, ...]]]:
        """Inputs side by side, and who is where among them."""
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
    """What becomes of one column: an input, a private attribute, or both."""

    name: str
    encoded: Encoded | None
    private: Coded | None = None
    numbers: NDArray[np.float64] | None = None

    def attribute(self, columns: tuple[int, ...]) -> Attribute:
        """The private attribute, and where the input holds it."""
        assert self.private is not None
        values = torch.from_numpy(self.private.codes)
        codes = None
        if self.encoded is not None:
            codes = self.encoded.codes
            if codes is None:  # of each interval the median, as the input would hold it
                held = [self.encoded.block[values == value] for value in values.unique()]
                codes = torch.stack([block.median(dim=0).values for block in held])
        return Attribute(
            values=values,
            names=self.private.names,
            numbers=None if self.numbers is None else torch.from_numpy(self.numbers),
            columns=columns,
            codes=codes,
        )
