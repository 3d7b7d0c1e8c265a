"""Tables: what becomes of columns, and what is said of those that cannot be what they should."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from safecompress_core.api import DataDef
from safecompress_core.errors import DataError
from safecompress_core.testing.data import DataConformance
from safecompress_core.toolkit import Dataset
from safecompress_plugins.data.tables.csv_file import CsvFile
from safecompress_plugins.data.tables.manifest import DEFINITIONS, CsvParams, ParquetParams
from safecompress_plugins.data.tables.parquet_file import ParquetFile

BY_NAME = {definition.name: definition for definition in DEFINITIONS}

PEOPLE = """\
name,age,job,zip,kept,person,sex,pay
ann,20,cook,10,yes,a,f,low
bob,30,smith,20,no,b,m,high
cay,?,cook,10,yes,a,f,low
dan,50,?,30,no,d,m,high
eve,60,clerk,30,1,e,f,low
fay,70,cook,20,0,f,f,high
"""
ADULT = Path(os.environ.get("SAFECOMPRESS_DATA", "../shared/data")) / "adult.csv"


def people(folder: Path, content: str = PEOPLE, **params: Any) -> Dataset:
    """The six of them."""
    (folder / "people.csv").write_text(content, encoding="utf-8")
    given = {"path": str(folder / "people.csv"), "target": "pay", **params}
    return CsvFile(CsvParams.model_validate(given)).load()


class TestCsv(DataConformance):
    definition: DataDef = BY_NAME["csv"]
    params = {
        "target": "pay",
        "private": ["sex", {"column": "age", "intervals": 2, "input": True}],
        "drop": ["name"],
        "categorical": ["zip"],
        "members": "kept",
        "group": "person",
    }

    def write_files(self, folder: Path) -> Mapping[str, Any]:
        """Six people."""
        (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
        return {"path": str(folder / "people.csv")}


class TestCsvOfTexts(DataConformance):
    definition: DataDef = BY_NAME["csv"]
    params = {"target": "pay", "text": ["name", "job"]}
    write_files = TestCsv.write_files


class TestParquet(DataConformance):
    definition: DataDef = BY_NAME["parquet"]
    params = {"target": "pay", "private": [{"column": "sex", "input": True}]}

    def write_files(self, folder: Path) -> Mapping[str, Any]:
        """Four people, in two files."""
        ages = pa.array([20.0, None, 40.0, 50.0])
        table = pa.table({"age": ages, "sex": [True, False, True, False], "pay": [1, 2, 1, 2]})
        pq.write_table(table.slice(0, 2), folder / "one.parquet")
        pq.write_table(table.slice(2, 2), folder / "two.parquet")
        return {"path": [str(folder / "one.parquet"), str(folder / "two.parquet")]}


def test_numbers_are_standardised_and_categories_one_hot(tmp_path: Path) -> None:
    """As scikit-learn does it; a missing number is the median, a missing category its own."""
    data = people(tmp_path, drop=["name", "kept", "person", "sex"], categorical=["zip"])

    ages = np.array([[20.0], [30.0], [50.0], [50.0], [60.0], [70.0]])
    jobs = np.array([["cook"], ["smith"], ["cook"], ["~"], ["clerk"], ["cook"]])
    zips = np.array([["10"], ["20"], ["10"], ["30"], ["30"], ["20"]])
    expected = np.hstack(
        [
            StandardScaler().fit_transform(ages),
            OneHotEncoder(sparse_output=False).fit_transform(jobs),
            OneHotEncoder(sparse_output=False).fit_transform(zips),
        ]
    )
    assert torch.allclose(data.inputs[torch.arange(6)], torch.from_numpy(expected).float())
    assert data.features == {"age": (0,), "job": (1, 2, 3, 4), "zip": (5, 6, 7)}
    assert data.classes == ("high", "low")
    assert data.labels.tolist() == [1, 0, 1, 0, 1, 0]


def test_a_private_column_is_no_input_unless_the_spec_says_so(tmp_path: Path) -> None:
    """Then its place among the inputs is known, and there is a warning."""
    left_out = people(tmp_path, private=["sex"])
    seen = people(tmp_path, private=[{"column": "sex", "input": True}])

    assert left_out.attributes["sex"].columns == ()
    assert left_out.warnings == ()
    attribute = seen.attributes["sex"]
    held = seen.inputs[torch.arange(6)][:, list(attribute.columns)]
    assert held.argmax(dim=1).tolist() == attribute.values.tolist() == [0, 1, 0, 1, 0, 0]
    assert "sex" not in seen.features
    assert seen.inputs.shape[1] == left_out.inputs.shape[1] + 2
    assert seen.warnings == (
        "'sex' is private and an input of the model: knowing the inputs is knowing it",
    )


def test_a_private_number_is_cut_at_its_quantiles(tmp_path: Path) -> None:
    """Two halves of the ages; what was measured is kept beside them."""
    age = people(tmp_path, private=[{"column": "age", "intervals": 2}]).attributes["age"]

    assert age.names == ("20 to below 50", "50 to 70")
    assert age.values.tolist() == [0, 0, 1, 1, 1, 1]
    assert age.numbers is not None
    assert age.numbers.tolist() == [20, 30, 50, 50, 60, 70]


def test_members_and_groups_come_from_columns(tmp_path: Path) -> None:
    """Neither is an input."""
    data = people(tmp_path, members="kept", group="person")

    assert data.is_member is not None
    assert data.is_member.tolist() == [True, False, True, False, True, False]
    assert data.groups is not None
    assert data.groups.tolist() == [0, 1, 0, 2, 3, 4]
    assert {"kept", "person"}.isdisjoint(data.features)


def test_text_is_what_the_model_reads_and_all_that_it_reads(tmp_path: Path) -> None:
    """Several columns are joined by line breaks."""
    data = people(tmp_path, text=["name", "job"])

    assert data.texts[0] == "ann\ncook"
    assert data.texts[3] == "dan\n"
    assert data.inputs.shape == (6, 0)


def test_rows_with_something_missing_can_be_left_out(tmp_path: Path) -> None:
    """And that is noted."""
    data = people(tmp_path, rows_with_missing="drop")

    assert len(data) == 4
    assert any(note.startswith("2 of 6 rows are left out") for note in data.notes)


def test_rows_of_rare_labels_can_be_left_out(tmp_path: Path) -> None:
    """After samples were drawn, since drawing makes them rarer."""
    data = people(tmp_path, target="job", fewest_per_label=2, members="kept")

    assert data.classes == ("cook",)
    assert len(data) == 3
    assert data.is_member is not None
    assert data.is_member.tolist() == [True, True, False]
    assert "2 of 5 rows are left out: their labels have fewer than 2 samples" in data.notes


def test_a_label_that_one_sample_has_is_refused(tmp_path: Path) -> None:
    """With the parameter that leaves its row out."""
    with pytest.raises(DataError, match="'fewest_per_label: 2'") as caught:
        people(tmp_path, target="job", members="kept")

    assert caught.value.field == ("target",)
    assert "has a single sample" in caught.value.message


def test_rare_categories_share_an_input(tmp_path: Path) -> None:
    """The most frequent ones keep theirs."""
    data = people(tmp_path, drop=["name", "age", "zip", "kept", "person", "sex"], most_categories=2)

    # cook and (first of those that are there once) clerk, then smith as other, then missing
    assert data.inputs[torch.arange(6)].argmax(dim=1).tolist() == [1, 2, 1, 3, 0, 1]


def test_a_sample_is_drawn_in_proportion_to_labels_and_always_the_same(tmp_path: Path) -> None:
    """Another ``samples_seed`` draws another one."""
    rows = "\n".join(f"{number},{'a' if number % 4 else 'b'}" for number in range(400))
    (tmp_path / "many.csv").write_text(f"x,y\n{rows}\n")
    params = {"path": str(tmp_path / "many.csv"), "target": "y", "samples": 100}

    one, same, other = (
        CsvFile(CsvParams.model_validate(params | extra)).load()
        for extra in ({}, {}, {"samples_seed": 1})
    )

    assert torch.bincount(one.labels).tolist() == [75, 25]
    assert torch.equal(one.inputs[torch.arange(100)], same.inputs[torch.arange(100)])
    assert not torch.equal(one.inputs[torch.arange(100)], other.inputs[torch.arange(100)])


@pytest.mark.parametrize(
    ("params", "field", "message"),
    [
        ({"target": "Pay"}, ("target",), "no column 'Pay'; did you mean 'pay'? there are: name, a"),
        ({"private": ["sexx"]}, ("private", 0), "no column 'sexx'; did you mean 'sex'?"),
        (
            {"private": [{"column": "seks"}]},
            ("private", 0, "column"),
            "no column 'seks'",
        ),
        ({"private": ["sex", "pay"]}, ("private", 1), "cannot be private as well"),
        ({"private": ["sex"], "drop": ["sex"]}, ("drop", 0), "is dropped, but is also"),
        ({"numeric": ["job"]}, ("numeric", 0), "must be numeric, but holds 'cook' in row 1"),
        ({"members": "job"}, ("members",), "'cook' in row 1 is neither"),
        ({"target": "name"}, ("target",), "too many for labels"),
        ({"samples": 7}, ("samples",), "'samples' is 7, but there are only 6 samples"),
        (
            {"drop": ["name", "age", "job", "zip", "kept", "person", "sex"]},
            (),
            "no column is left as an input",
        ),
    ],
)
def test_what_does_not_fit_the_table_is_said_at_its_place(
    tmp_path: Path, params: dict[str, Any], field: tuple[str | int, ...], message: str
) -> None:
    """With what there is instead."""
    with pytest.raises(DataError) as caught:
        people(tmp_path, **params)

    assert caught.value.field == field
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,a,pay\n1,2,x\n", "two columns called 'a'"),
        ("a,pay\n", "the table has no rows"),
        ("a,pay\n1,?\n", "no row is left"),
        ("a,pay\n1,x\n2\n", "line 3 of"),
        ("a,pay\n1,x\n1,y\nb,x,2\n", "has 3 cells instead of 2"),
    ],
)
def test_a_broken_file_is_said_to_be(tmp_path: Path, text: str, message: str) -> None:
    """With the line, where one is at fault."""
    with pytest.raises(DataError, match=message):
        people(tmp_path, text)


def test_a_file_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    """And with the nearest name."""
    (tmp_path / "people.csv").touch()
    params = CsvParams(path=str(tmp_path / "peple.csv"), target="pay")

    with pytest.raises(DataError, match="did you mean 'people.csv'") as caught:
        CsvFile(params).load()

    assert caught.value.field == ("path",)


def test_a_folder_is_no_file_and_latin_1_no_utf_8(tmp_path: Path) -> None:
    """Both are said, rather than shown as a traceback."""
    (tmp_path / "old.csv").write_bytes("a,pay\nMüller,x\n".encode("latin-1"))

    for path, message in ((tmp_path, r"is a folder; there are: old\.csv"), ("old.csv", "UTF-8")):
        params = CsvParams(path=str(tmp_path / path), target="pay")
        with pytest.raises(DataError, match=message):
            CsvFile(params).load()


def test_a_parquet_table_reads_as_the_same_table_in_csv(tmp_path: Path) -> None:
    """Numbers, text and gaps alike."""
    rows = [line.split(",") for line in PEOPLE.splitlines()]
    columns = dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))
    typed = {
        **columns,
        "age": pa.array([None if one == "?" else int(one) for one in columns["age"]]),
        "job": pa.array([None if one == "?" else one for one in columns["job"]]),
    }
    pq.write_table(pa.table(typed), tmp_path / "people.parquet")
    params = {"target": "pay", "private": ["sex", "age"], "drop": ["name"], "members": "kept"}

    table = ParquetFile(
        ParquetParams.model_validate({"path": str(tmp_path / "people.parquet"), **params})
    ).load()
    text = people(tmp_path, **params)

    assert torch.equal(table.inputs[torch.arange(6)], text.inputs[torch.arange(6)])
    assert table.features == text.features
    assert table.notes == text.notes
    assert torch.equal(table.attributes["age"].values, text.attributes["age"].values)


@pytest.mark.slow
@pytest.mark.skipif(not ADULT.exists(), reason=f"there is no {ADULT}")
def test_adult_has_the_counts_that_its_authors_give() -> None:
    """UCI's adult.names: 32,561 rows, of which 30,162 without missing values; 76 % at most 50K."""
    params = {"path": str(ADULT), "target": "Salary", "private": ["sex", "race"]}

    whole = CsvFile(CsvParams.model_validate(params)).load()
    complete = CsvFile(CsvParams.model_validate({**params, "rows_with_missing": "drop"})).load()

    assert (len(whole), len(complete)) == (32_561, 30_162)
    assert (whole.labels == 0).float().mean().item() == pytest.approx(0.7592, abs=1e-4)
    assert whole.attributes["sex"].names == ("Female", "Male")
    assert len(whole.attributes["race"].names) == 5


def two_files(folder: Path, trained_on: str, others: str, /, **params: Any) -> Dataset:
    """Members in one file, non-members in another."""
    (folder / "members.csv").write_text(trained_on, encoding="utf-8")
    (folder / "others.csv").write_text(others, encoding="utf-8")
    paths = {"path": str(folder / "members.csv"), "non_members": str(folder / "others.csv")}
    given = {"target": "pay", "drop": ["name", "kept", "person"], **paths, **params}
    return CsvFile(CsvParams.model_validate(given)).load()


HEADER, *ROWS = PEOPLE.splitlines(keepends=True)


def test_two_files_are_encoded_as_one(tmp_path: Path) -> None:
    """The same inputs, labels and attributes as of one file with a column that tells the sides.

    No member is a smith and no other is a clerk, so that encoded alone they would look other.
    """
    whole = people(tmp_path, members="kept", drop=["name", "person"], private=["sex"])
    kept = whole.is_member
    assert kept is not None
    lines = list(zip(ROWS, kept.tolist(), strict=True))
    sides = [[row for row, is_member in lines if is_member is wanted] for wanted in (True, False)]
    members, others = (HEADER + "".join(rows) for rows in sides)

    found = two_files(tmp_path, members, others, private=["sex"])

    order = torch.cat([kept.nonzero()[:, 0], (~kept).nonzero()[:, 0]])
    assert found.is_member is not None
    assert found.is_member.tolist() == kept[order].tolist()
    torch.testing.assert_close(found.inputs, whole.take(order).inputs)
    assert torch.equal(found.labels, whole.labels[order])
    assert found.classes == whole.classes
    assert torch.equal(found.attributes["sex"].values, whole.attributes["sex"].values[order])
    assert set(found.features) == set(whole.features)


def test_columns_may_be_in_another_order_in_the_second_file(tmp_path: Path) -> None:
    """They are found by name."""
    plain = two_files(tmp_path, HEADER + "".join(ROWS[:3]), HEADER + "".join(ROWS[3:]))
    swapped = [",".join(reversed(line.strip().split(","))) + "\n" for line in (HEADER, *ROWS[3:])]

    found = two_files(tmp_path, HEADER + "".join(ROWS[:3]), "".join(swapped))

    torch.testing.assert_close(found.inputs, plain.inputs)


@pytest.mark.parametrize(
    ("others", "params", "message"),
    [
        (
            "age,pay\n1,low\n",
            {},
            "do not have the same columns: only one has 'job', 'kept', 'name'",
        ),
        (
            PEOPLE,
            {"members": "kept", "drop": []},
            "'kept' and the two files both give membership",
        ),
    ],
)
def test_two_files_that_do_not_fit_are_refused(
    others: str, params: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """With the parameter that says so."""
    with pytest.raises(DataError, match=message):
        two_files(tmp_path, PEOPLE, others, **params)


def test_two_parquet_files_are_encoded_as_one(tmp_path: Path) -> None:
    """As two text files are."""
    table = {"age": [1.0, 2.0, 3.0, 4.0], "job": ["a", "b", "b", "c"], "pay": ["x", "y", "x", "y"]}
    for name, rows in (("all", slice(0, 4)), ("in", slice(0, 2)), ("out", slice(2, 4))):
        pq.write_table(
            pa.table({key: one[rows] for key, one in table.items()}), tmp_path / f"{name}.parquet"
        )

    def read(path: str, **more: Any) -> Dataset:
        given = {"path": str(tmp_path / path), "target": "pay", **more}
        return ParquetFile(ParquetParams.model_validate(given)).load()

    both = read("in.parquet", non_members=str(tmp_path / "out.parquet"))

    torch.testing.assert_close(both.inputs, read("all.parquet").inputs)
    assert both.is_member is not None
    assert both.is_member.tolist() == [True, True, False, False]


def test_numbers_may_be_left_as_they_are(tmp_path: Path) -> None:
    """For a model that was trained on such; a missing one is still the median."""
    data = people(tmp_path, scale="none", drop=["name", "job", "zip", "kept", "person", "sex"])

    assert torch.as_tensor(data.inputs)[:, 0].tolist() == [20, 30, 50, 50, 60, 70]
    assert any("age: 20 to 70" in note and "as they are" in note for note in data.notes)


@pytest.mark.parametrize("spell", [lambda y: f"{y}.0", lambda y: str(bool(y)), lambda y: f" {y} "])
def test_spellings_of_a_label_in_two_files_are_one_label(tmp_path: Path, spell: Any) -> None:
    """Or the label would tell which file a sample is from; categories and attributes likewise."""
    for name, write in (("in", str), ("out", spell)):
        cells = [f"{row / 7},{write(row % 2)},{write(row // 2 % 2)}" for row in range(8)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["a,sick,y", *cells]))

    params = {"path": str(tmp_path / "in.csv"), "non_members": str(tmp_path / "out.csv")}
    data = CsvFile(
        CsvParams.model_validate(
            {**params, "target": "y", "categorical": ["sick"], "private": ["sick"]}
        )
    ).load()

    assert data.classes == data.attributes["sick"].names == ("0", "1")
    assert data.labels.tolist() == [0, 0, 1, 1] * 4
    assert data.attributes["sick"].values.tolist() == [0, 1] * 8


@pytest.mark.parametrize(
    ("yes", "no"),
    [("yes", "no"), ("TRUE", "FALSE"), ("1.0", "0.0"), ("Y", "N"), ("in", "out"), ("t", "f")],
)
def test_members_are_told_in_many_spellings(tmp_path: Path, yes: str, no: str) -> None:
    """In any case."""
    content = PEOPLE.replace(",yes,", f",{yes},").replace(",no,", f",{no},")
    data = people(tmp_path, content, members="kept")

    assert data.is_member is not None
    assert data.is_member.tolist() == [True, False, True, False, True, False]


def readings(tmp_path: Path, cells: list[str], **params: Any) -> Dataset:
    """A column of numbers in some spelling, beside one of categories; labels alternate."""
    lines = [f'"{cell}",{"ab"[row % 2]},{row % 3}' for row, cell in enumerate(cells)]
    content = "\n".join(["size,kind,pay", *lines])
    return people(tmp_path, content, **params)


def plain_sizes(count: int = 40) -> list[float]:
    """Numbers with decimals, from 1,000 on, no two alike."""
    return [round(1000 + 37.25 * row, 2) for row in range(count)]


@pytest.mark.parametrize(
    ("spell", "params", "hint"),
    [
        (lambda x: f"{x:.2f}".replace(".", ","), {"decimal": ","}, "write 'decimal: \",\"' if"),
        (lambda x: f"{x:,.2f}", {"thousands": ","}, "write 'thousands: \",\"' if"),
        (lambda x: f"{x:_}", {"thousands": "_"}, "write 'thousands: \"_\"' if"),
        (
            lambda x: f"{x:,.2f}".translate({44: 46, 46: 44}),
            {"decimal": ",", "thousands": "."},
            "write 'decimal: \",\"' and 'thousands: \".\"' if",
        ),
    ],
)
def test_numbers_have_the_separators_that_are_stated(
    tmp_path: Path, spell: Any, params: dict[str, str], hint: str
) -> None:
    """The same inputs as in plain spelling; without the option a warning names it and a cell."""
    cells = [spell(size) for size in plain_sizes()]
    expected = readings(tmp_path, list(map(str, plain_sizes()))).inputs

    stated, silent = readings(tmp_path, cells, **params), readings(tmp_path, cells)

    assert torch.equal(stated.inputs[torch.arange(40)], expected[torch.arange(40)])
    assert not stated.warnings
    [warning] = silent.warnings
    assert warning.startswith(f"size: read as categories, since {cells[0]!r} in row 1 is no number")
    assert hint in warning


def test_units_are_pointed_out(tmp_path: Path) -> None:
    """They cannot be stated, so they have to go."""
    [warning] = readings(tmp_path, [f"${size}" for size in plain_sizes()]).warnings
    assert "'$1000.0' in row 1 is no number; write the numbers without units" in warning


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "unknown", "1_0"])
def test_a_cell_decides_no_type(tmp_path: Path, cell: str) -> None:
    """It counts as missing, and a warning names it and its row, whatever rows are left out."""
    cells = list(map(str, plain_sizes()))
    cells[7] = cell
    data = readings(tmp_path, cells)

    known = np.delete(plain_sizes(), 7)
    expected = np.insert(known, 7, np.median(known))
    scaled = (expected - expected.mean()) / expected.std()
    assert np.allclose(data.inputs[torch.arange(40)][:, 0].numpy(), scaled, atol=1e-6)
    [warning] = data.warnings
    assert warning.startswith(f"size: {cell!r} in row 8 is no finite number and counts as missing")
    assert "39 of 40 cells are finite numbers" in warning


@pytest.mark.parametrize("cell", ["#N/A", "NULL", "NAN", "<NA>", "n/a", "#DIV/0!", ""])
def test_the_usual_spellings_of_missing_are_missing(tmp_path: Path, cell: str) -> None:
    """In a column of numbers, and as a label, whose rows are left out."""
    cells = list(map(str, plain_sizes()))
    cells[7] = cell
    data = readings(tmp_path, cells)
    unlabelled = people(tmp_path, PEOPLE + f"gus,80,cook,20,1,g,m,{cell}\n")

    assert any("1 missing set to the median" in note for note in data.notes)
    assert not data.warnings
    assert len(unlabelled) == 6
    assert unlabelled.classes == ("high", "low")


def test_codes_stay_categories_with_a_warning(tmp_path: Path) -> None:
    """Where more than a few cells are no numbers, they are no slips; the first is named."""
    cells = [f"V{row}" if row % 5 == 3 else str(row) for row in range(40)]

    data = readings(tmp_path, cells)

    assert any(note.startswith("size: 40 categories") for note in data.notes)
    [warning] = data.warnings
    assert "since 'V3' in row 4 and 7 more cells are no numbers" in warning
    assert not readings(tmp_path, cells, categorical=["size"]).warnings


def test_a_row_is_named_within_its_file(tmp_path: Path) -> None:
    """Counted from 1 after the line of names, also where rows before it were left out."""
    lines = [f"{size},{row % 2}" for row, size in enumerate(plain_sizes(20))]
    (tmp_path / "in.csv").write_text("\n".join(["size,pay", *lines]))
    lines[2], lines[6] = "1,?", "slip,1"
    (tmp_path / "out.csv").write_text("\n".join(["size,pay", *lines]))
    params = {"path": str(tmp_path / "in.csv"), "non_members": str(tmp_path / "out.csv")}

    data = CsvFile(CsvParams.model_validate({**params, "target": "pay"})).load()

    assert data.warnings[0].startswith("size: 'slip' in row 7 of the non-members is no finite")


def test_of_many_columns_with_the_same_fault_a_few_are_warned_of(tmp_path: Path) -> None:
    """The others are counted, and the first of them named."""
    sizes = [str(size) for size in plain_sizes()]
    sizes[3] = "slip"
    names = [f"size{column}" for column in range(30)]
    lines = [",".join([*[size] * 30, str(row % 2)]) for row, size in enumerate(sizes)]

    warnings = people(tmp_path, "\n".join([",".join([*names, "pay"]), *lines])).warnings

    assert [warning.partition(":")[0] for warning in warnings[:5]] == names[:5]
    assert warnings[5:] == (
        "and 25 more columns for the same reason: 'size5', 'size6', 'size7', 'size8', 'size9', ...",
    )


def test_a_column_that_counts_the_rows_is_pointed_out(tmp_path: Path) -> None:
    """Whatever it is called; one that is no input is nobody's concern."""
    lines = [f"{row},{size},{row % 2}" for row, size in enumerate(plain_sizes())]
    content = "\n".join([",size,pay", *lines])

    assert people(tmp_path, content).warnings == (
        "'' numbers the rows (0, 1, ...) and is an input; write 'drop: ['']' if it is an index",
    )
    assert not people(tmp_path, content, drop=[""]).warnings
    assert not readings(tmp_path, list(map(str, plain_sizes()))).warnings


@pytest.mark.parametrize(
    ("encoding", "params"),
    [("utf-8-sig", {}), ("utf-16", {}), ("latin-1", {"encoding": "latin-1"})],
)
def test_text_is_read_in_its_encoding(
    tmp_path: Path, encoding: str, params: dict[str, str]
) -> None:
    """A mark at the beginning tells it, else the spec."""
    content = PEOPLE.replace("cook", "Köchin")
    expected = people(tmp_path, content).notes
    (tmp_path / "other.csv").write_bytes(content.encode(encoding))
    given = {"path": str(tmp_path / "other.csv"), "target": "pay", **params}

    assert CsvFile(CsvParams.model_validate(given)).load().notes == expected


@pytest.mark.parametrize(
    ("text", "params", "message"),
    [
        ("a;pay\n1;x\n", {}, "has a single cell, 'a;pay'; write 'delimiter: \";\"'"),
        ("a\tpay\n1\tx\n", {}, r"write 'delimiter: \"\\t\"'"),
        ("1;x\n2;x\n", {"names": ["a", "pay"]}, "write 'delimiter: \";\"'"),
        ("a,pay\n1,x,\n", {}, "remove the delimiter at the end of each line"),
        (",,pay\n1,2,x\n", {}, "columns 1, 2 of .* have no name"),
        ("pay,a\nx,1\n", {"names": ["a", "pay"]}, "the first line of .* holds the names"),
        ("a,pay\0\n1,x\n", {}, "holds zero bytes, like UTF-16 text without a byte-order mark"),
    ],
)
def test_a_file_in_another_layout_is_said_to_be(
    tmp_path: Path, text: str, params: dict[str, Any], message: str
) -> None:
    """With what to write."""
    with pytest.raises(DataError, match=message):
        people(tmp_path, text, **params)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"encoding": "utf-42"}, "there is no encoding 'utf-42'"),
        ({"decimal": ",", "thousands": ","}, "'decimal' and 'thousands' are both ','"),
    ],
)
def test_options_that_cannot_be_are_refused(params: dict[str, str], message: str) -> None:
    """With the spec, before any file is opened."""
    with pytest.raises(ValueError, match=message):
        CsvParams.model_validate({"path": "x.csv", "target": "pay", **params})


def test_numbers_that_are_left_as_they_are_fit_float32(tmp_path: Path) -> None:
    """Two times that would become one are refused."""
    times = [str(1_700_000_000 + row) for row in range(40)]

    assert readings(tmp_path, [str(3 * float(one)) for one in times])
    with pytest.raises(DataError, match="'size' holds 1700000000.0 and 1700000001.0"):
        readings(tmp_path, times, scale="none")


def test_what_is_no_cell_of_a_table_is_refused(tmp_path: Path) -> None:
    """A list is several values, and bytes may be no text."""
    for column, message in (([[1, 2], [3]], "holds list<"), ([b"\xff", b"a"], "not UTF-8 text")):
        pq.write_table(pa.table({"a": column, "pay": ["x", "y"]}), tmp_path / "odd.parquet")
        with pytest.raises(DataError, match=message):
            ParquetFile(ParquetParams(path=str(tmp_path / "odd.parquet"), target="pay")).load()


def test_new_rows_are_read_with_the_same_separators(tmp_path: Path) -> None:
    """A file as the first one was; numbers of Python as they are."""
    cells = [f"{size:,.2f}".translate({44: 46, 46: 44}) for size in plain_sizes()]
    data = readings(tmp_path, cells, decimal=",", thousands=".")
    assert data.encoder is not None

    from_file = data.encoder.encode(str(tmp_path / "people.csv"))
    from_python = data.encoder.encode({"size": plain_sizes(), "kind": ["a", "b"] * 20})

    assert torch.equal(from_file.inputs, data.inputs[torch.arange(40)])
    assert torch.equal(from_python.inputs, data.inputs[torch.arange(40)])
