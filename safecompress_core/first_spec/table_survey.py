"""Columns of a CSV file, inferred from its first rows."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from safecompress_core.errors import DataError

__all__ = ["Column", "TableSurvey", "survey_table"]

MOST_ROWS = 20_000
"""Rows that are looked at."""
DELIMITERS = ",;\t|"
TARGETS = ("label", "target", "class", "y", "outcome", "income", "diagnosis", "species", "topic")
"""Names that columns of labels usually have, the likeliest first."""
PRIVATE = re.compile(
    r"sex|gender|race|ethnic\w*|religion|age|nationality|birth\w*|disab\w*|marital\w*|health\w*",
    re.IGNORECASE,
)
# The last alternative is an empty name, as of an index column without a header.
IDENTIFIER = re.compile(r"(.*_)?(id|index|uuid|key|nr|no)|unnamed: ?0|", re.IGNORECASE)
MOST_LABELS = 100
WORDS = 4
"""Words that a cell of text has on average, and a category has not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes:
        name: as the first line has it.
        values: how often each value occurs.
    """

    name: str
    values: Counter[str]

    @property
    def is_text(self) -> bool:
        """Return whether its cells are sentences, nearly all distinct."""
        rows = sum(self.values.values())
        words = sum(len(value.split()) * count for value, count in self.values.items())
        # Both: long categories repeat, and distinct values may be numbers.
        return len(self.values) > rows / 2 and words > WORDS * rows

    @property
    def is_identifier(self) -> bool:
        """Return whether it names the row, which predicts nothing about other rows."""
        rows = sum(self.values.values())
        # The name and the values: a measurement may be distinct in each row, too.
        return bool(IDENTIFIER.fullmatch(self.name)) and len(self.values) == rows > 1

    @property
    def may_be_label(self) -> bool:
        """Return whether it has few values, each of them several times."""
        rows = sum(self.values.values())
        # Two rows a label on average: each label must be among members and non-members.
        return 2 <= len(self.values) <= min(MOST_LABELS, rows // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSurvey:
    """Columns of a CSV file.

    Attributes:
        rows: the number of rows that were looked at.
        columns: in their order.
        delimiter: what stands between two cells.
        has_names: whether the first line has the names of the columns.
    """

    rows: int
    columns: tuple[Column, ...]
    delimiter: str
    has_names: bool

    def column(self, name: str) -> Column:
        """Return the column of a name.

        Raises:
            DataError: if there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        names = ", ".join(column.name for column in self.columns)
        raise DataError(f"the file has no column {name!r}", hint=f"it has: {names}")

    def likely_target(self) -> Column:
        """Return the column that is most likely the label.

        Raises:
            DataError: if none has few values that repeat.
        """
        labels = [column for column in self.columns if column.may_be_label]
        # By the order of names, not of columns: 'label' is a better guess than 'class'.
        for name in TARGETS:
            for column in labels:
                if column.name.lower() == name:
                    return column
        if labels:
            # The last, where most tables have their label.
            return labels[-1]
        raise DataError(
            "no column looks like a label: few values, each of them in several rows",
            hint="name it: --target COLUMN",
        )

    def likely_private(self, target: str) -> list[str]:
        """Return the columns that usually must stay private."""
        names = [column.name for column in self.columns if column.name != target]
        return [name for name in names if PRIVATE.fullmatch(name)]


def survey_table(path: Path) -> TableSurvey:
    """Look at the first rows of a CSV file.

    Raises:
        DataError: if it cannot be read, is no UTF-8 text, or has fewer than two columns or rows.
    """
    try:
        # utf-8-sig removes the byte order mark that spreadsheets write.
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline())
            # Rewound, since the first line may be data.
            file.seek(0)
            # Empty lines are no rows; many files end in one.
            rows = [row for row in _first(csv.reader(file, delimiter=delimiter)) if row]
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error.strerror}", hint="check it") from error
    except UnicodeDecodeError as error:
        hint = "save it as UTF-8"
        raise DataError(f"{str(path)!r} is no UTF-8 text", hint=hint) from error
    except csv.Error as error:
        raise DataError(f"{str(path)!r} is no CSV file ({error})", hint="check it") from error
    if len(rows) < 3 or len(rows[0]) < 2:
        message = f"{str(path)!r} has fewer than two columns, or fewer than two rows of values"
        raise DataError(message, hint="give a CSV file with a line of names and a row a sample")
    # A line of names has at least one that is not a number.
    has_names = not all(map(_is_number, rows[0]))
    names = rows[0] if has_names else [f"c{place}" for place in range(1, len(rows[0]) + 1)]
    body = rows[1:] if has_names else rows
    columns = tuple(
        # Short rows are skipped here, and reported when the data are read.
        Column(name=name, values=Counter(row[place].strip() for row in body if len(row) > place))
        for place, name in enumerate(names)
    )
    return TableSurvey(rows=len(body), columns=columns, delimiter=delimiter, has_names=has_names)


def _first(rows: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
    # One more than the limit, for the line of names.
    for _, row in zip(range(MOST_ROWS + 1), rows, strict=False):
        yield row


def _delimiter(line: str) -> str:
    """The usual delimiter that a line has most often."""
    # max takes the first of equals, so a comma wins in a line without any.
    return max(DELIMITERS, key=line.count)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
