"""Names and parameters of what reads tables: one row a sample."""

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
    """Parameters of data that may be used in part."""

    samples: Annotated[int, Field(ge=2)] | None = None
    """Use that many samples, drawn in proportion to the labels; by default all."""
    samples_seed: Seed = 0
    """What decides which ones; not the run's seed, so that runs with other seeds share them."""


class SidesParams(Params):
    """Parameters of data that may be in two files."""

    non_members: Annotated[DataPath, MembershipMark()] | None = None
    """A second file of the same form, of samples that are no members, for ``pools.members: given``;
    those of ``path`` then are. Both are encoded as one."""


class PrivateColumn(Params):
    """A column that must stay private, and how it is read."""

    column: str
    """Its name."""
    intervals: Annotated[int, Field(ge=2, le=10_000)] = 4
    """Into how many intervals of about as many samples each a numeric column is cut."""
    input: bool = False
    """Whether the model sees it as well; inferring it from what one knows is then trivial, and what
    remains is to tell it from the other inputs and the model's answer."""


class TableParams(SampledParams):
    """Parameters of a table whose columns become task, inputs and private attributes."""

    target: str
    """The column that the model predicts."""
    private: list[str | PrivateColumn] = []
    """Columns that must stay private. A name alone leaves the column out of the inputs."""
    drop: list[str] = []
    """Columns that nobody sees."""
    categorical: list[str] = []
    """Columns of numbers that are names of something, such as codes."""
    numeric: list[str] = []
    """Columns that must be numbers; one that holds text is then a mistake."""
    text: list[str] = []
    """Columns of text, joined by line breaks, for a model that reads text; the others are then no
    inputs."""
    missing: list[str] = list(MISSING_CELLS)
    """What a cell without a value holds. In a column of numbers infinite ones are missing too."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals of a number."""
    thousands: Literal[",", ".", " ", "'", "_"] | None = None
    """What stands between groups of three digits; by default nothing."""
    scale: Literal["standard", "none"] = "standard"
    """``standard``: a column of numbers gets mean 0 and standard deviation 1; ``none``: numbers are
    left as they are, for a model that was trained on such."""
    rows_with_missing: Literal["keep", "drop"] = "keep"
    """``keep``: a missing category is a category of its own, a missing number the median."""
    fewest_per_label: Annotated[int, Field(ge=1)] = 1
    """Rows of labels with fewer samples are left out; a label with a single one is refused."""
    most_categories: Annotated[int, Field(ge=2, le=1_000_000)] = 64
    """Categories of a column that get an input each, most frequent first; all others share one."""
    members: Annotated[str, MembershipMark()] | None = None
    """Column that tells who is a member, for ``pools.members: given``: true, yes, 1, member or
    train, or false, no, 0, non-member or test."""
    group: str | None = None
    """Column whose equal values belong together, a person, say, and stay on one side."""

    @model_validator(mode="after")
    def _differ(self) -> "TableParams":
        if self.decimal == self.thousands:
            raise ValueError(
                f"'decimal' and 'thousands' are both {self.decimal!r}; write another 'decimal'"
            )
        return self


class CsvParams(SidesParams, TableParams):
    """A text file, a sample a line."""

    path: DataPath
    """The file."""
    names: list[str] = []
    """Names of the columns, for a file whose first line has none."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """What stands between two cells."""
    encoding: str = "utf-8"
    """Of the text, as Python names it: ``latin-1``, ``cp1252``; a mark of UTF-8 or UTF-16 at the
    beginning of the file goes before it."""

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            "".encode(name)
        except LookupError as error:
            raise ValueError(f"there is no text encoding {name!r}; write utf-8, say") from error
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
        summary="A text file with a sample a line: numbers are standardised, categories one-hot.",
    ),
    DataDef(
        name="parquet",
        params=ParquetParams,
        target="safecompress_plugins.data.tables.parquet_file:ParquetFile",
        summary="A Parquet file or several: columns become inputs as in csv.",
    ),
)
