"""Table of a race's lineages."""

from safecompress_core.report.race.lineages_table import lineages_table
from tests.core.fixtures.records import edited
from tests.core.fixtures.results import race_results, run_results, search_results


def test_each_lineage_has_its_last_round_its_objectives_and_what_it_lost_to() -> None:
    """The title states the cost of all rounds."""
    table = lineages_table(race_results())

    assert table is not None
    assert table.title == "Lineages of the race, whose rounds cost 2 trainings of one model"
    assert table.columns == ("round", "accuracy", "net", "lost to")
    assert [(row.label, *(cell.value for cell in row.cells)) for row in table.rows] == [
        ("lineage 2", "3", "0.400", "0.300", "chosen"),
        ("lineage 1", "2", "0.360", "0.310", "2 (accuracy)"),
        ("lineage 3", "1", "0.200", "0.500", "2 (dominated)"),
    ]


def test_win_shares_stand_beside_the_objectives() -> None:
    """Those of the round that a lineage left after, where the aggregator has uncertain weights."""
    results = race_results()
    rounds = [
        {**record.to_json(), "candidates": [
            {**candidate.to_json(), "win_share": 1 / len(record.candidates)}
            for candidate in record.candidates
        ]}
        for record in results.rounds
    ]  # fmt: skip

    table = lineages_table(edited(results, {"rounds": rounds}))

    assert table is not None
    assert table.columns == ("round", "accuracy", "net", "win share", "lost to")
    assert [row.cells[3].value for row in table.rows] == ["0.500", "0.500", "0.333"]


def test_trials_of_a_search_are_called_so() -> None:
    """Title and rows."""
    table = lineages_table(search_results())

    assert table is not None
    assert table.title == "Trials of the search, which cost 2.5 trainings of one model"
    assert [(row.label, row.cells[-1].value) for row in table.rows] == [
        ("trial 1", "chosen"),
        ("trial 2", "1 (utility)"),
        ("trial 3", "pruned"),
    ]


def test_a_run_of_one_lineage_has_no_such_table() -> None:
    """Its candidates have their own sections."""
    assert lineages_table(run_results()) is None
