"""Results as rows and data frames."""

import sys

import pytest

from safecompress_core.errors import MissingExtraError
from safecompress_core.python.frames import data_frame, record_columns, rows_of, variant_rows
from safecompress_core.results.schema import ComparisonResults
from safecompress_core.results.score_file import COLUMN_NAMES
from tests.core.fixtures.comparisons import comparison_content
from tests.core.fixtures.results import run_results
from tests.core.fixtures.scores import scored_records


def test_attacks_have_a_row_for_each_model() -> None:
    """Every measure with both ends of its interval; none of what another game measures."""
    results = run_results()

    rows = rows_of(results, "attacks")

    assert [(row["model"], row["attack"]) for row in rows] == [
        (model, attack)
        for model in ("uncompressed", "compressed")
        for attack in ("loss", "entropy", "probe")
    ]
    probe, record = rows[-1], results.audit["probe"]
    for measure in ("accuracy", "auc", "advantage", "lift"):
        estimate = record.estimate(measure)
        assert estimate is not None
        ends = (probe[f"{measure}_low"], probe[f"{measure}_high"])
        assert (probe[measure], ends) == (estimate.value, estimate.interval)
    assert probe["game"] == "attribute"
    assert "lift" not in rows[0]


def test_rounds_have_a_row_for_each_model_that_was_tested() -> None:
    """With the objectives that it was chosen by."""
    results = run_results()

    rows = rows_of(results, "rounds")

    assert len(rows) == sum(len(round_.candidates) for round_ in results.rounds)
    first = results.rounds[0].candidates[0]
    assert (rows[0]["round"], rows[0]["id"], rows[0]["utility"]) == (1, first.id, first.utility)
    assert rows[0]["objective performance"] == first.objectives["performance"]


def test_the_archive_has_a_row_for_each_model() -> None:
    """With its file, to be loaded."""
    results = run_results()

    rows = rows_of(results, "archive")

    assert [row["id"] for row in rows] == [entry.id for entry in results.archive]
    assert [row["file"] for row in rows] == [entry.file for entry in results.archive]
    assert [row["chosen"] for row in rows].count(True) == 1


def test_records_have_a_row_for_each_record_by_attack() -> None:
    """The columns of the file of scores; empty where an attack has nothing."""
    scored = [
        scored_records("uncompressed", "loss", [4, 3, 2, 1]),
        scored_records("compressed", "loss", [1, 2, 3, 4]),
    ]

    columns = record_columns(scored)

    assert list(columns) == list(COLUMN_NAMES)
    assert columns["model"] == ["uncompressed"] * 4 + ["compressed"] * 4
    assert columns["score"] == [4, 3, 2, 1, 1, 2, 3, 4]
    assert columns["guess"] == [None] * 8


def test_another_table_is_refused() -> None:
    """With those that there are."""
    with pytest.raises(ValueError, match="no frame 'rows'; there are attacks, records, rounds"):
        rows_of(run_results(), "rows")  # type: ignore[arg-type]


def test_a_comparison_has_a_row_for_each_variant() -> None:
    """Means and intervals; nothing where nothing was measured."""
    comparison = ComparisonResults.model_validate(comparison_content())

    rows = variant_rows(comparison)

    assert [row["variant"] for row in rows] == [one.name for one in comparison.variants]
    accuracy = comparison.variants[0].task_accuracy
    assert accuracy is not None
    ends = (rows[0]["task_accuracy_low"], rows[0]["task_accuracy_high"])
    assert (rows[0]["task_accuracy"], ends) == (accuracy.mean, accuracy.interval)


def test_a_frame_has_the_rows_and_a_column_for_each_key() -> None:
    """Where a row lacks a key, its cell is empty."""
    frame = data_frame([{"a": 1}, {"a": 2, "b": 0.5}])

    assert list(frame.columns) == ["a", "b"]
    assert frame["a"].tolist() == [1, 2]
    assert frame["b"].isna().tolist() == [True, False]


def test_without_pandas_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every other extra."""
    monkeypatch.setitem(sys.modules, "pandas", None)

    with pytest.raises(MissingExtraError, match=r"pandas is not installed.*\[pandas\]"):
        data_frame([])
