"""Models of a run's archive, by id and by preference."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from safecompress_core.cli.archive_entries import (
    archive_table,
    find_entry,
    other_model,
    pick_entry,
)
from safecompress_core.errors import RunDirectoryError
from tests.core.fixtures.records import archive_record, edited
from tests.core.fixtures.results import run_results

RESULTS = run_results()


def test_a_model_is_found_by_its_id() -> None:
    """A wrong one is answered with the nearest."""
    assert find_entry(RESULTS, "r2c1").chosen
    with pytest.raises(RunDirectoryError, match="no model is called 'r2c3'; did you mean 'r2c"):
        find_entry(RESULTS, "r2c3")


def test_preferences_take_the_ends_of_the_front() -> None:
    """By hand: r1c2 is best at the task, and no attack finds more than 0.6 on r2c2."""
    assert pick_entry(RESULTS, "performance").id == "r1c2"
    assert pick_entry(RESULTS, "safety").id == "r2c2"


def test_another_model_than_the_chosen_one_is_suggested() -> None:
    """The first preference that takes one; the list, where each takes the chosen one."""
    assert other_model(RESULTS, Path("runs/a")) == "safecompress pick runs/a --prefer safety"
    objectives = RESULTS.archive[0].objectives
    alone = edited(RESULTS, {"archive": [archive_record("one", dict(objectives), chosen=True)]})
    assert other_model(alone, Path("runs/a")) == "safecompress pick runs/a"


def test_the_table_has_every_model_with_its_objectives() -> None:
    """The chosen model is marked."""
    console = Console(file=StringIO(), width=100, record=True)
    console.print(archive_table(RESULTS))
    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]

    assert "id performance net reader strategy" in lines
    assert "r1c2 0.450 0.500 0.900 keep" in lines
    assert "r2c1 0.400 0.300 0.800 chosen keep" in lines


def test_a_run_without_an_archive_has_nothing_to_take() -> None:
    """A method that tests nothing keeps one model."""
    empty = RESULTS.model_copy(update={"archive": ()})

    for ask in (archive_table, lambda results: pick_entry(results, "safety")):
        with pytest.raises(RunDirectoryError, match="this run kept no archive"):
            ask(empty)
    with pytest.raises(RunDirectoryError, match="this run kept no archive"):
        find_entry(empty, "r1c1")


def test_the_table_has_win_shares_where_there_are_any() -> None:
    """An aggregator of certain weights gives none."""
    shared = [
        {**entry.to_json(), "win_share": share}
        for entry, share in zip(RESULTS.archive, (0.25, 0.7, 0.05), strict=True)
    ]
    console = Console(file=StringIO(), width=100, record=True)
    console.print(archive_table(edited(RESULTS, {"archive": shared})))
    lines = [" ".join(line.split()) for line in console.export_text().splitlines()]

    assert "id performance net reader win share strategy" in lines
    assert "r2c1 0.400 0.300 0.800 0.700 chosen keep" in lines
