"""Names and parameters of table data sets, with one sample per row."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from safecompress_core.api import DataDef, DataPath, MembershipMark, Params, Seed

__all__ = [
    "DEFINITIONS",
    "MISSING_CELLS",
    "CsvParams",
    "ParquetParams",
    "PrivateColumn",
    "SampledParams",
    "SidesParams",
    "TableParams",
]


MISSING_CELLS = (
    *("", "?", "NA", "N/A", "n/a", "<NA>", "#N/A", "#N/A N/A", "#NA"),
    *("NaN", "nan", "NAN", "-NaN", "-nan", "NaT", "NULL", "Null", "null", "None"),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
    *("#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"),
)
"""Spellings of a missing value: of pandas, of databases, and the errors of spreadsheets."""


class SampledParams(Params):
    """Parameters of data that can be subsampled."""

    samples: Annotated[int, Field(ge=2)] | None = None
    """Number of samples to use, stratified by label; by default all."""
    samples_seed: Seed = 0
    """Seed of the selection, separate from the run's, so that runs with other seeds share
    samples."""


class SidesParams(Params):
    """Parameters of data in one or two files."""

    non_members: Annotated[DataPath, MembershipMark()] | None = None
    """A second file of the same form, of non-members, for ``pools.members: given``; the samples of
    ``path`` are then members. Both are encoded as one."""


class PrivateColumn(Params):
    """A private column, and its encoding."""

    column: str
    """Its name."""
    intervals: Annotated[int, Field(ge=2, le=10_000)] = 4
    """Number of intervals of a numeric column, of about equal counts."""
    input: bool = False
    """Whether the column is also an input. An adversary who knows the inputs then knows it; the
    attack infers it from the other inputs and the model's output."""


class TableParams(SampledParams):
    """Parameters of a table: columns of the task, the inputs and private attributes."""

    target: str
    """The column that the model predicts."""
    private: list[str | PrivateColumn] = []
    """Private columns. A name alone excludes the column from the inputs."""
    drop: list[str] = []
    """Unused columns."""
    categorical: list[str] = []
    """Columns of numbers that are categories, such as codes."""
    numeric: list[str] = []
    """Columns that must be numeric; text in them is an error."""
    text: list[str] = []
    """Columns of text, joined by line breaks, for a text model; other columns are then not
    inputs."""
    missing: list[str] = list(MISSING_CELLS)
    """Spellings of a missing value. In a column of numbers, infinite values are missing too."""
    decimal: Literal[".", ","] = "."
    """Decimal separator."""
    thousands: Literal[",", ".", " ", "'", "_"] | None = None
    """Separator of groups of three digits; by default none."""
    scale: Literal["standard", "none"] = "standard"
    """``standard``: a column of numbers gets mean 0 and standard deviation 1; ``none``: numbers are
    unchanged, for a model trained on such."""
    rows_with_missing: Literal["keep", "drop"] = "keep"
    """``keep``: missing values are a category of their own, or the median of numbers."""
    fewest_per_label: Annotated[int, Field(ge=1)] = 1
    """Minimum samples per label; rows of rarer labels are left out, and a label needs at least
    2."""
    most_categories: Annotated[int, Field(ge=2, le=1_000_000)] = 64
    """Maximum categories of a column with an input each, most frequent first; the rest share
    one."""
    members: Annotated[str, MembershipMark()] | None = None
    """Column of membership, for ``pools.members: given``: true, yes, 1, member or train; or false,
    no, 0, non-member or test."""
    group: str | None = None
    """Column of group identifiers, of people for example; a group's rows stay on one side."""

    @model_validator(mode="after")
    def _differ(self) -> "TableParams":
        if self.decimal == self.thousands:
            raise ValueError(
                f"'decimal' and 'thousands' are both {self.decimal!r}; write another 'decimal'"
            )
        return self


class CsvParams(SidesParams, TableParams):
    """A text file, with one sample per line."""

    path: DataPath
    """The file."""
    names: list[str] = []
    """Names of the columns, for a file whose first line has none."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Separator of cells."""
    encoding: str = "utf-8"
    """Text encoding, as Python names it: ``latin-1``, ``cp1252``; a byte-order mark of UTF-8 or
    UTF-16 takes precedence."""

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, name: str) -> str:
        try:
            "".encode(name)
        except LookupError as error:
            raise ValueError(f"there is no encoding {name!r}; use utf-8, for example") from error
        return name


class ParquetParams(SidesParams, TableParams):
    """A Parquet file, or several with the same columns."""

    path: DataPath | list[DataPath]
    """The file, or the files in their order."""


DEFINITIONS = (
    DataDef(
        name="csv",
        params=CsvParams,
        target="safecompress_plugins.data.tables.csv_file:CsvFile",
        summary="A text file, one sample per line: numbers are standardised, categories one-hot.",
    ),
    DataDef(
        name="parquet",
        params=ParquetParams,
        target="safecompress_plugins.data.tables.parquet_file:ParquetFile",
        summary="A Parquet file or several: columns become inputs as in csv.",
    ),
)
