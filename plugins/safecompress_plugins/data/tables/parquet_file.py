"""Parquet files: tables, or labelled images in the layout of Hugging Face datasets."""

import json
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from safecompress_core.toolkit import DataError, Dataset
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.files import require_existing
from safecompress_plugins.data.images.images import Encoded
from safecompress_plugins.data.images.labelled_images import LabelledImages, image_dataset
from safecompress_plugins.data.images.manifest import ImageParquetParams
from safecompress_plugins.data.samples import sides_of
from safecompress_plugins.data.tables.columns import RawColumn, Table, require_columns
from safecompress_plugins.data.tables.encoding import encode_categories
from safecompress_plugins.data.tables.manifest import MISSING_CELLS, ParquetParams, SidesParams
from safecompress_plugins.data.tables.table import dataset_of_sides

__all__ = [
    "ImageParquetFile",
    "ParquetFile",
    "arrow_table",
    "concatenate",
    "images_of",
    "plain_table",
]

BLANK = frozenset(MISSING_CELLS)


class ParquetFile(EncodingSource):
    """A table in Parquet files, with one sample per row."""

    def __init__(self, params: ParquetParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read the files and encode their columns."""
        members, others = _sides(self._params.path, self._params)
        missing = self._params.missing
        non_members = None if others is None else plain_table(others, missing)
        return dataset_of_sides(plain_table(members, missing), non_members, self._params)


class ImageParquetFile(EncodingSource):
    """Labelled images in Parquet files, one per row."""

    def __init__(self, params: ImageParquetParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read the two columns, and decode the images."""
        params = self._params
        members, others = _sides(params.path, params)
        if others is None:
            images = images_of(members, image=params.image, label=params.target)
            return image_dataset(images, params, notes=images.notes)
        what = f"{params.path} and {params.non_members}"
        whole = concatenate([members, others], what=what, field="non_members")
        sides = sides_of(len(members), len(others))
        images = images_of(whole, image=params.image, label=params.target, sides=sides)
        return image_dataset(images, params, notes=images.notes)


def _sides(path: str | list[str], params: SidesParams) -> tuple[pa.Table, pa.Table | None]:
    """Read the rows of ``path``, and those of ``non_members`` if it is set."""
    members = arrow_table(_paths(path))
    if params.non_members is None:
        return members, None
    return members, arrow_table([require_existing(params.non_members, field=("non_members",))])


def _paths(given: str | list[str]) -> list[Path]:
    if isinstance(given, str):
        return [require_existing(given, field=("path",))]
    return [require_existing(text, field=("path", index)) for index, text in enumerate(given)]


def arrow_table(paths: Sequence[Path]) -> pa.Table:
    """Read and concatenate all files.

    Raises:
        DataError: if one is not a Parquet file, or has other columns or labels than the first.
    """
    try:
        tables = [pq.read_table(path) for path in paths]
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(", ".join(map(str, paths)), error, field="path") from error
    return concatenate(tables, what=", ".join(map(str, paths)), field="path")


def concatenate(tables: Sequence[pa.Table], *, what: str, field: str) -> pa.Table:
    """Concatenate tables; labels are matched by name, whatever their numbers.

    Args:
        tables: with the same columns.
        what: what an error calls the tables.
        field: the parameter that names them.

    Raises:
        DataError: if their columns or label names differ.
    """
    try:
        return pa.concat_tables([_renumber(tables[0], table, what, field) for table in tables])
    except pa.ArrowException as error:
        raise _unreadable(what, error, field=field) from error


def _renumber(first: pa.Table, table: pa.Table, what: str, field: str) -> pa.Table:
    """Renumber the labels of a table as in the first one, whose names are kept."""
    for position, name in enumerate(table.column_names):
        names, own_names = _label_names(first.schema, name), _label_names(table.schema, name)
        if names == own_names:
            continue
        if names is None or own_names is None or set(names) != set(own_names):
            only = sorted(set(names or ()) ^ set(own_names or ()))
            raise DataError(
                f"{what}: two sources have different labels in {name!r}; only one of them names "
                f"{', '.join(map(repr, only))}",
                hint="write labels as text, or both with the same list of names",
                field=(field,),
            )
        places = [
            None if code < 0 else names.index(own_names[code]) for code in _codes(table, name)
        ]
        column = pa.array(places, type=table.schema.field(name).type)
        table = table.set_column(position, table.schema.field(name), column)
    # Other metadata, such as pandas' index, may differ and would block the concatenation.
    return table.replace_schema_metadata(first.schema.metadata)


def _codes(table: pa.Table, name: str) -> list[int]:
    """Return label numbers, -1 where missing, as Hugging Face datasets write it."""
    return [-1 if code is None else int(code) for code in table.column(name).to_pylist()]


def _unreadable(what: str, error: Exception, *, field: str) -> DataError:
    reason = str(error).splitlines()[0]
    return DataError(
        f"cannot read {what} as Parquet ({reason})",
        hint="name Parquet files with the same columns",
        field=(field,),
    )


def images_of(
    table: pa.Table, *, image: str, label: str, sides: RawColumn | None = None
) -> LabelledImages:
    """Extract encoded images and their labels, without unlabelled ones.

    Args:
        table: one image per row.
        image: the column of images.
        label: the column of labels.
        sides: membership, if known.

    Raises:
        DataError: if the columns hold other types.
    """
    require_columns(table.column_names, [(("image",), image), (("target",), label)])
    column = table.column(image)
    if not (pa.types.is_struct(column.type) and column.type.get_field_index("bytes") >= 0):
        raise DataError(
            f"the column {image!r} holds {column.type} instead of images",
            hint="name a column of structs with 'bytes', as Hugging Face datasets write them",
            field=("image",),
        )
    labels, classes = _labels(table, label)
    images = [_encoded_image(cell) for cell in column.to_pylist()]
    if None in images:
        raise DataError(
            f"row {images.index(None) + 1} of {image!r} holds neither an image nor a valid path",
            hint="remove it, or embed the images",
            field=("image",),
        )
    encoded = [image for image in images if image is not None]
    dataset = LabelledImages(encoded, torch.tensor(labels), classes)
    return dataset.on_sides(sides).with_labels()


def _encoded_image(struct: dict[str, Any] | None) -> Encoded | None:
    """Return an image's bytes, or its file where they are not embedded; None for neither."""
    if struct is None:
        return None
    if struct["bytes"] is not None:
        return bytes(struct["bytes"])
    path = struct.get("path")
    return Path(path) if path and Path(path).is_file() else None


def _labels(table: pa.Table, label: str) -> tuple[list[int], tuple[str, ...]]:
    """Return label numbers, -1 where missing, and the names of all labels."""
    names = _label_names(table.schema, label)
    if names is not None and pa.types.is_integer(table.column(label).type):
        return _codes(table, label), names
    column = RawColumn([_cell(value, None) for value in table.column(label).to_pylist()])
    encoding = encode_categories(
        RawColumn([None if cell in BLANK else cell for cell in column.cells])
    )
    # `missing` is the last category, and no class: those rows become -1 and are dropped.
    present = len(encoding.names) - bool(encoding.missing)
    codes = [code if code < present else -1 for code in encoding.codes.tolist()]
    return codes, encoding.names[:present]


def _label_names(schema: pa.Schema, column: str) -> tuple[str, ...] | None:
    """Read the label names of a column from Hugging Face's metadata."""
    stored = (schema.metadata or {}).get(b"huggingface")
    if stored is None:
        return None
    feature: Any = json.loads(stored).get("info", {}).get("features", {}).get(column, {})
    names = feature.get("names") if isinstance(feature, dict) else None
    return tuple(map(str, names)) if names else None


def plain_table(table: pa.Table, missing: Collection[str]) -> Table:
    """Convert columns to text cells.

    Raises:
        DataError: if a column holds images, lists, or bytes that are not UTF-8 text.
    """
    blank = frozenset(missing)
    columns = {}
    for name in table.column_names:
        form = table.schema.field(name).type
        # A nested value has no single number or category.
        if pa.types.is_nested(form):
            raise DataError(
                f"the column {name!r} holds {form}; a table cell must be a single value",
                hint="write 'type: image-parquet' for images; split a list into columns",
                field=("path",),
            )
        named = _label_names(table.schema, name)
        try:
            cells = [_cell(value, named) for value in table.column(name).to_pylist()]
        except UnicodeDecodeError as error:
            raise DataError(
                f"the column {name!r} holds bytes that are not UTF-8 text ({error})",
                hint="write it as text",
                field=("path",),
            ) from error
        columns[name] = RawColumn([None if cell in blank else cell for cell in cells])
    return columns


def _cell(value: Any, names: tuple[str, ...] | None) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if names is not None and isinstance(value, int) and value < len(names):
        return names[value] if value >= 0 else None
    text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
    return text.strip()
