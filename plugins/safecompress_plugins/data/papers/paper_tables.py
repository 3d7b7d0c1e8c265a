"""Papers' tables of people, from the files as distributed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from safecompress_core.toolkit import Dataset
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.papers.manifest import FACTS, PaperFacts, PaperTableParams
from safecompress_plugins.data.papers.paper_files import missing_files_error, root_of
from safecompress_plugins.data.tables.columns import RawColumn, Table, require_columns
from safecompress_plugins.data.tables.csv_file import read_csv
from safecompress_plugins.data.tables.manifest import PrivateColumn, TableParams
from safecompress_plugins.data.tables.table import dataset_of

__all__ = ["PaperTable", "adult", "compas"]

MISSING = ("", "?", "NA", "N/A")


@dataclass(frozen=True)
class TableDefaults:
    """Default roles of a table's columns.

    Attributes:
        target: the predicted column.
        private: private columns.
        drop: unused columns.
        inputs: the only inputs; empty for all other columns.
    """

    target: str
    private: tuple[str, ...]
    drop: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


class PaperTable(EncodingSource):
    """A table with default roles of its columns, overridden by parameters."""

    def __init__(
        self,
        facts: PaperFacts,
        params: PaperTableParams,
        *,
        read: Callable[[Path, PaperFacts], Table],
        usual: TableDefaults,
    ) -> None:
        self._facts = facts
        self._params = params
        self._read = read
        self._usual = usual

    def load(self) -> Dataset:
        """Read the files and encode their columns."""
        given, usual = self._params, self._usual
        table = self._read(root_of(given, self._facts), self._facts)
        target = given.target or usual.target
        # A default private column that the spec predicts or drops is not private by default.
        private: list[str | PrivateColumn] = [
            column for column in usual.private if column != target and column not in given.drop
        ]
        # An explicit list of inputs: ProPublica's table has dozens of columns derived from the
        # target.
        if usual.inputs:
            used = {target, *usual.inputs, *usual.private, *map(_name, given.private or ())}
            table = {name: column for name, column in table.items() if name in used}
        there = MEMBER in table
        params = TableParams(
            target=target,
            private=private if given.private is None else given.private,
            drop=[*given.drop, *(name for name in usual.drop if self._is_idle(name, target))],
            members=MEMBER if there else None,
            samples=given.samples,
            samples_seed=given.samples_seed,
            fewest_per_label=given.fewest_per_label,
        )
        return dataset_of(table, params)

    def _is_idle(self, name: str, target: str) -> bool:
        """Return whether a default unused column has no role in the parameters."""
        played = {target, *self._params.drop, *map(_name, self._params.private or ())}
        return name not in played


def _name(column: str | PrivateColumn) -> str:
    return column if isinstance(column, str) else column.column


MEMBER = "published for training"
"""Column of the split, where both files exist."""


def _both(parts: Mapping[str, Table]) -> Table:
    """Concatenate training and test rows, with a column of the split if there are both."""
    tables = list(parts.values())
    joined = {
        name: RawColumn([cell for table in tables for cell in table[name].cells])
        for name in tables[0]
    }
    if len(parts) > 1:
        sides = [split for split, table in parts.items() for _ in next(iter(table.values())).cells]
        joined[MEMBER] = RawColumn(sides)
    return joined


ADULT = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation",
    "relationship", "race", "sex", "capital-gain", "capital-loss", "hours-per-week",
    "native-country", "Salary",
)  # fmt: skip


def _adult(root: Path, facts: PaperFacts) -> Table:
    """Read UCI's two files, without column names; the test file has an extra line and dots."""
    parts = {}
    for split, name in (("train", "adult.data"), ("test", "adult.test")):
        if (path := root / name).exists():
            # The extra first line starts with "|", and labels of the test file end with a dot.
            parts[split] = _without_dots(read_csv(path, names=ADULT, missing=MISSING, comment="|"))
    if parts:
        return _both(parts)
    if (path := root / "adult.csv").exists():
        return read_csv(path, missing=MISSING)
    raise missing_files_error(root, facts)


def _without_dots(table: Table) -> Table:
    cells = [cell and cell.removesuffix(".") for cell in table["Salary"].cells]
    return {**table, "Salary": RawColumn(cells)}


def _compas(root: Path, facts: PaperFacts) -> Table:
    """Read the rows that ProPublica's own analysis keeps; its notebook gives the reasons."""
    path = root / "compas-scores-two-years.csv"
    if not path.exists():
        raise missing_files_error(root, facts)
    # Two columns of the file are both called decile_score, and two priors_count.
    table = read_csv(path, missing=("",), numbered=True)
    needed = ("days_b_screening_arrest", "is_recid", "c_charge_degree", "score_text")
    require_columns(table, [(("root",), name) for name in needed])
    days, recid, degree, score = (table[name].cells for name in needed)
    complete = [
        row
        for row, day in enumerate(days)
        if day is not None
        and abs(float(day)) <= 30
        and recid[row] != "-1"
        and degree[row] != "O"
        and score[row] != "N/A"
    ]
    rows = np.array(complete, dtype=np.int64)
    return {name: column.take(rows) for name, column in table.items()}


compas = partial(
    PaperTable,
    FACTS["compas"],
    read=_compas,
    usual=TableDefaults(
        target="two_year_recid",
        private=("race", "sex"),
        inputs=(
            "age",
            "priors_count",
            "juv_fel_count",
            "juv_misd_count",
            "juv_other_count",
            "c_charge_degree",
        ),
    ),
)
adult = partial(
    PaperTable,
    FACTS["adult"],
    read=_adult,
    usual=TableDefaults(
        target="Salary", private=("sex", "race", "marital-status"), drop=("fnlwgt",)
    ),
)
