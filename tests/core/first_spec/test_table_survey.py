"""Columns of a CSV file, as far as its rows tell."""

from collections import Counter
from pathlib import Path

import pytest

from safecompress_core.errors import DataError
from safecompress_core.first_spec.table_survey import Column, TableSurvey, survey_table


def surveyed(folder: Path, text: str) -> TableSurvey:
    """What is found in a file of this text."""
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    return survey_table(folder / "rows.csv")


def column(name: str, *values: str) -> Column:
    """A column of these cells."""
    return Column(name=name, values=Counter(values))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_what_the_first_line_has_most_often(
    tmp_path: Path, delimiter: str
) -> None:
    """Values are counted without the blanks around them."""
    table = surveyed(tmp_path, "a!b\n1! x\n2! x\n3!y\n".replace("!", delimiter))

    assert (table.delimiter, table.rows, table.has_names) == (delimiter, 3, True)
    assert table.column("b").values == {"x": 2, "y": 1}


def test_a_first_line_of_numbers_is_a_row(tmp_path: Path) -> None:
    """Columns are numbered then; a byte order mark is no part of a name."""
    table = surveyed(tmp_path, "1,2.5\n3,-1e3\n5,0\n")

    assert (table.rows, table.has_names) == (3, False)
    assert [one.name for one in table.columns] == ["c1", "c2"]
    assert surveyed(tmp_path, "\ufeffid,x\n1,2\n2,3\n").columns[0].name == "id"


def test_a_label_has_few_values_that_repeat() -> None:
    """The usual name wins; else the last column that may be one."""
    words, numbers = column("colour", *"aabb"), column("level", *"1122")
    target, unique = column("Target", *"xyxy"), column("weight", *"1234")

    def likely(*columns: Column) -> str:
        table = TableSurvey(rows=4, columns=columns, delimiter=",", has_names=True)
        return table.likely_target().name

    assert likely(target, words, numbers) == "Target"
    assert likely(words, numbers, unique) == "level"
    with pytest.raises(DataError, match="no column looks like a label"):
        likely(unique)


def test_an_identifier_has_the_name_of_one_and_never_repeats() -> None:
    """Neither alone is enough."""
    assert column("user_id", *"abcd").is_identifier
    assert column("Unnamed: 0", *"0123").is_identifier
    assert not column("user_id", *"aabc").is_identifier
    assert not column("price", *"abcd").is_identifier


def test_text_is_sentences_that_differ() -> None:
    """A category of many words is none."""
    sentences = [f"this is the news of day {day}" for day in range(6)]

    assert column("body", *sentences).is_text
    assert not column("body", *sentences[:1] * 6).is_text
    assert not column("name", *"abcdef").is_text


def test_columns_that_usually_stay_private_are_named_but_for_the_label() -> None:
    """By whole words of their names."""
    columns = tuple(column(name, "a", "b") for name in ("Age", "sex", "package", "birthday"))
    table = TableSurvey(rows=2, columns=columns, delimiter=",", has_names=True)

    assert table.likely_private("sex") == ["Age", "birthday"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has fewer than two columns, or fewer than two rows"),
        (b"a\n1\n2\n3\n", "has fewer than two columns"),
        (b"a,b\n\xe9,1\n", "is no UTF-8 text"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """With its path."""
    (tmp_path / "rows.csv").write_bytes(content)

    with pytest.raises(DataError, match=f"rows.csv' {message}"):
        survey_table(tmp_path / "rows.csv")
