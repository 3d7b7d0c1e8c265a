"""Parquet files: tables, or images with labels in the layout of Hugging Face datasets."""

import json
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from safecompress_core.toolkit import DataError, Dataset, DataSource
from safecompress_plugins.data.columns import RawColumn, Table, require_columns
from safecompress_plugins.data.files import existing
from safecompress_plugins.data.image_manifest import ImageParquetParams
from safecompress_plugins.data.labelled_images import LabelledImages, image_dataset
from safecompress_plugins.data.samples import sides_of
from safecompress_plugins.data.table import dataset_of_sides
from safecompress_plugins.data.table_manifest import ParquetParams, SidesParams

__all__ = ["ImageParquetFile", "ParquetFile", "arrow_table", "images_of", "plain_table"]


class ParquetFile(DataSource):
    """A row a sample."""

    def __init__(self, params: ParquetParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read the files and encode their columns."""
        members, others = _sides(self._params.path, self._params)
        missing = self._params.missing
        non_members = None if others is None else plain_table(others, missing)
        return dataset_of_sides(plain_table(members, missing), non_members, self._params)


class ImageParquetFile(DataSource):
    """A row an image with its label."""

    def __init__(self, params: ImageParquetParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read the two columns, and decode the images."""
        params = self._params
        members, others = _sides(params.path, params)
        if others is None:
            found = images_of(members, image=params.image, label=params.target)
            return image_dataset(found, params)
        whole = _joined([members, others], what=str(params.non_members), field="non_members")
        found = images_of(whole, image=params.image, label=params.target)
        return image_dataset(found.on_sides(sides_of(len(members), len(others))), params)


def _sides(path: str | list[str], params: SidesParams) -> tuple[pa.Table, pa.Table | None]:
    """The rows of ``path``, and those of ``non_members`` if there are any."""
    members = arrow_table(_paths(path))
    if params.non_members is None:
        return members, None
    return members, arrow_table([existing(params.non_members, field=("non_members",))])


def _paths(given: str | list[str]) -> list[Path]:
    if isinstance(given, str):
        return [existing(given, field=("path",))]
    return [existing(text, field=("path", index)) for index, text in enumerate(given)]


def arrow_table(paths: Sequence[Path]) -> pa.Table:
    """The rows of all files.

    Raises:
        DataError: if one is no Parquet file, or has other columns than the first.
    """
    try:
        return pa.concat_tables([pq.read_table(path) for path in paths])
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(", ".join(map(str, paths)), error, field="path") from error


def _joined(tables: Sequence[pa.Table], *, what: str, field: str) -> pa.Table:
    try:
        return pa.concat_tables(tables)
    except pa.ArrowException as error:
        raise _unreadable(what, error, field=field) from error


def _unreadable(what: str, error: Exception, *, field: str) -> DataError:
    reason = str(error).splitlines()[0]
    return DataError(
        f"cannot read {what} as Parquet ({reason})",
        mend="name Parquet files with the same columns",
        field=(field,),
    )


def images_of(table: pa.Table, *, image: str, label: str) -> LabelledImages:
    """Encoded images and their labels.

    Raises:
        DataError: if the columns hold something else.
    """
    require_columns(table.column_names, [(("image",), image), (("target",), label)])
    column = table.column(image)
    if not (pa.types.is_struct(column.type) and column.type.get_field_index("bytes") >= 0):
        raise DataError(
            f"the column {image!r} holds {column.type}, and no images",
            mend="name a column of structs with 'bytes', as Hugging Face datasets write them",
            field=("image",),
        )
    encoded = [one["bytes"] for one in column.to_pylist()]
    labels = table.column(label)
    names = _label_names(table.schema, label)
    if not pa.types.is_integer(labels.type) or names is None:
        values = ["" if value is None else str(value) for value in labels.to_pylist()]
        names = tuple(sorted(set(values)))
        if pa.types.is_integer(labels.type):
            names = tuple(sorted(names, key=int))
        place = {name: index for index, name in enumerate(names)}
        codes = np.array([place[value] for value in values], dtype=np.int64)
    else:
        codes = labels.to_numpy().astype(np.int64)
    return LabelledImages(encoded, torch.from_numpy(codes), names)


def _label_names(schema: pa.Schema, column: str) -> tuple[str, ...] | None:
    """What Hugging Face's own metadata say that the numbers of a column stand for."""
    stored = (schema.metadata or {}).get(b"huggingface")
    if stored is None:
        return None
    feature: Any = json.loads(stored).get("info", {}).get("features", {}).get(column, {})
    names = feature.get("names") if isinstance(feature, dict) else None
    return tuple(map(str, names)) if names else None


def plain_table(table: pa.Table, missing: Collection[str]) -> Table:
    """Columns as texts.

    Raises:
        DataError: if one holds images.
    """
    blank = frozenset(missing)
    columns = {}
    for name in table.column_names:
        if pa.types.is_struct(table.schema.field(name).type):
            raise DataError(
                f"the column {name!r} is no column of a table, but holds images or other structs",
                mend="write 'type: image-parquet' for images",
                field=("path",),
            )
        named = _label_names(table.schema, name)
        cells = [_cell(value, named) for value in table.column(name).to_pylist()]
        columns[name] = RawColumn([None if cell in blank else cell for cell in cells])
    return columns


def _cell(value: Any, names: tuple[str, ...] | None) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    is_named = names is not None and isinstance(value, int) and 0 <= value < len(names)
    return names[value] if names is not None and is_named else str(value)
