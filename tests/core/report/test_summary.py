"""Tables of results."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from safecompress_core.choose.archive import Archive, ArchiveEntry
from safecompress_core.report.summary import (
    Cell,
    ResultTable,
    archive_ends,
    audit_of,
    comparison,
    ends_of,
    objectives_of,
    overview,
    phases,
    separability,
)
from tests.core.fixtures.records import archive_record, typed

Results = dict[str, Any]


def cells(table: ResultTable | None) -> dict[str, tuple[Cell, ...]]:
    """The cells of each row by its label; of equal labels the last."""
    assert table is not None
    return {row.label: row.cells for row in table.rows}


def test_the_comparison_has_every_measure_of_both_models(results: Results) -> None:
    """Metrics, then sizes, then each attack below its name; a lift for attributes alone."""
    table = comparison(typed(results))

    assert table.columns == ("uncompressed", "compressed")
    assert [row.label.strip() for row in table.rows] == [
        *("test accuracy", "density", "parameters", "model file"),
        *("loss", "accuracy (guess 0.500)", "AUC", "advantage"),
        *("entropy", "accuracy (guess 0.500)", "AUC", "advantage"),
        *("probe", "accuracy (guess 0.100)", "AUC", "advantage", "lift over the guess"),
    ]
    assert [row.note for row in table.rows if row.is_heading] == [
        "membership",
        "membership",
        "attribute",
    ]


def test_where_a_topology_moved_the_comparison_says_how_far(results: Results) -> None:
    """After the sizes; the uncompressed model has all weights, and explored nothing."""
    results["method"]["facts"] = {"explored": 0.4321}
    table = comparison(typed(results))

    assert [row.label for row in table.rows][3:6] == ["model file", "weights ever active", "loss"]
    assert cells(table)["weights ever active"] == (Cell("–"), Cell("0.432"))


def test_a_figure_stands_beside_its_interval(results: Results) -> None:
    """Uncompressed first; the interval has no dash next to a minus sign."""
    found = cells(comparison(typed(results)))

    assert found["test accuracy"] == (Cell("0.500", "0.450–0.550"), Cell("0.400", "0.350–0.450"))
    assert found["  lift over the guess"] == (
        Cell("0.300", "0.200–0.400"),
        Cell("−0.050", "−0.150 to 0.050"),
    )
    assert found["density"] == (Cell("1.000"), Cell("0.100"))
    assert found["parameters"][0].note == ""
    assert found["parameters"][1].note == "0.100 of all"


def test_both_densities_are_named_where_one_would_mislead(results: Results) -> None:
    """Of a network of which under half may be sparse, a tenth of these is most of the model."""
    sizes = {"density": 0.1, "model_density": 0.704, "sparsifiable": 0.329}
    results["model"] |= sizes
    results["baseline"]["model"] |= {"sparsifiable": 0.329}

    found = cells(comparison(typed(results)))

    assert found["density of sparse layers"] == (Cell("1.000"), Cell("0.100"))
    assert found["density of whole model"] == (Cell("1.000"), Cell("0.704"))
    assert "density" not in found


@pytest.mark.parametrize("parameters", [None, 4000])
def test_sizes_that_are_not_known_are_left_out(results: Results, parameters: int | None) -> None:
    """A black-box model's file may not state its parameters."""
    results["baseline"] = None
    unknown = dict.fromkeys(("density", "model_density", "active", "sparsifiable"))
    results["model"] |= {**unknown, "parameters": parameters}

    found = cells(comparison(typed(results)))

    assert not [label for label in found if "density" in label]
    assert found.get("parameters") == (None if parameters is None else (Cell("4,000"),))
    assert "bytes" in found["model file"][0].value


def test_a_density_never_reads_as_nothing(results: Results) -> None:
    """Three decimals would make 0.0001 a model without weights."""
    results["model"]["density"] = 9.81e-05

    assert cells(comparison(typed(results)))["density"] == (Cell("1.000"), Cell("0.000098"))


@pytest.mark.parametrize(
    ("file_bytes", "note"), [(1000, "4.0× smaller"), (16000, "4.0× larger"), (4000, "")]
)
def test_the_file_is_told_in_bytes_and_in_times(
    results: Results, file_bytes: int, note: str
) -> None:
    """A sparse file can be larger than the dense one, and the table states that."""
    results["model"]["file_bytes"] = file_bytes

    assert cells(comparison(typed(results)))["model file"][1] == Cell(f"{file_bytes:,} bytes", note)


def test_the_size_metric_is_not_told_twice(results: Results) -> None:
    """The table has the file's bytes anyway; another metric of that kind stays."""
    for part in (results, results["baseline"]):
        size = float(part["model"]["file_bytes"])
        part["metrics"] |= {
            "file-bytes": {"value": size, "interval": [size, size]},
            "latency": {"value": 12.5, "interval": [12.5, 12.5]},
        }

    found = cells(comparison(typed(results)))

    assert "file-bytes" not in found
    assert found["latency"] == (Cell("12.500"), Cell("12.500"))


def test_what_is_undefined_is_a_dash_or_no_row(results: Results) -> None:
    """An attack on one attribute value has no AUC."""
    results["audit"]["probe"] |= {"auc": None, "auc_interval": None}
    rows = comparison(typed(results)).rows[-4:]
    assert [row.cells[1] for row in rows if row.label == "  AUC"] == [Cell("–")]

    results["baseline"]["audit"]["probe"] |= {"auc": None, "auc_interval": None}
    rows = comparison(typed(results)).rows[-4:]
    assert "  AUC" not in [row.label for row in rows]


def test_of_a_numeric_attribute_the_error_is_told_beside_the_guess(results: Results) -> None:
    """In the unit of the attribute; advantage is by it."""
    for part in (results, results["baseline"]):
        part["audit"]["probe"] |= {
            "baseline_rule": "boosting",
            "mae": 7.5,
            "mae_interval": [7.0, 8.0],
            "baseline_mae": 9.0,
            "mae_lift": 1.5,
            "mae_lift_interval": [1.0, 2.0],
            "mae_rule": "median-per-label",
        }

    table = comparison(typed(results))

    assert cells(table)["  MAE (guess 9.000)"] == (Cell("7.500", "7.000–8.000"),) * 2
    assert cells(table)["  MAE below the guess's"][1] == Cell("1.500", "1.000–2.000")


def test_the_ends_of_the_archive_stand_beside_the_chosen_model(results: Results) -> None:
    """Each column has the id of its model and the end that it is."""
    table = archive_ends(typed(results))

    assert table is not None
    assert table.columns == ("r2c1\nchosen", "r1c2\nbest at the task", "r2c2\nsafest")
    found = cells(table)
    assert [cell.value for cell in found["test accuracy"]] == ["0.400", "0.440", "0.210"]
    assert [cell.value for cell in found["  loss"]] == ["0.200", "0.280", "0.100"]


def test_an_end_that_was_chosen_is_not_shown_twice(results: Results) -> None:
    """Its column has both names."""
    results["archive"][1]["chosen"], results["archive"][2]["chosen"] = False, True

    table = archive_ends(typed(results))

    assert table is not None
    assert table.columns == ("r2c2\nchosen, safest", "r1c2\nbest at the task")


def test_a_chosen_model_outside_the_archive_has_a_column_all_the_same(results: Results) -> None:
    """A later round may go on with a model that an earlier one beats."""
    results["archive"][1]["chosen"] = False

    table = archive_ends(typed(results))

    assert table is not None
    assert table.columns[0] == "compressed\nchosen"


def test_without_another_audited_model_there_is_nothing_beside(results: Results) -> None:
    """The figures that selected a model are not shown as if they were an audit."""
    for entry in results["archive"]:
        entry.pop("metrics", None)
        entry.pop("audit", None)

    assert archive_ends(typed(results)) is None
    assert archive_ends(typed({**results, "archive": []})) is None


@pytest.mark.parametrize("seed", range(20))
def test_the_ends_are_those_of_the_archive(results: Results, seed: int) -> None:
    """Without numpy's help, ties and weights included."""
    draw = np.random.default_rng(seed)
    weights = draw.integers(0, 3, size=2) / 2
    entries = [_entry(f"m{index}", draw) for index in range(6)]
    for name, weight in zip(("net", "reader"), weights, strict=True):
        results["selection"]["attackers"][name]["weight"] = float(weight)
    results["archive"] = [
        archive_record(one.id, {"performance": one.performance, **_named(one)}) for one in entries
    ]

    best, safest = Archive(weights=tuple(weights.tolist()), entries=tuple(entries)).ends

    assert ends_of(typed(results)) == {"performance": best.id, "safety": safest.id}


def _entry(name: str, draw: np.random.Generator) -> ArchiveEntry:
    """Objectives on so coarse a grid that many are equal."""
    performance, *advantage = draw.integers(0, 3, size=3).astype(float).tolist()
    return ArchiveEntry(name, performance, tuple(advantage))


def _named(entry: ArchiveEntry) -> Mapping[str, float]:
    return dict(zip(("net", "reader"), entry.advantage, strict=True))


def test_separability_counts_rounds_and_means_their_figures(results: Results) -> None:
    """By objective; performance has the name of its metric."""
    found = cells(separability(typed(results)))

    assert found == {
        "accuracy": (Cell("0 of 2"), Cell("0.015"), Cell("0.020")),
        "net": (Cell("2 of 2"), Cell("0.060"), Cell("0.020")),
        "reader": (Cell("1 of 2"), Cell("0.020"), Cell("0.020")),
    }
    assert separability(typed({**results, "rounds": []})) is None


@pytest.mark.parametrize(
    ("bound", "label"),
    [("careful", "upper end of the 2·AUC − 1 of net"), ("estimate", "2·AUC − 1 of net")],
)
def test_objectives_say_which_end_of_the_interval_they_are(
    results: Results, bound: str, label: str
) -> None:
    """The upper end is larger than the audit's estimate, so the label names it."""
    results["selection"]["bound"] = bound

    found = cells(objectives_of(typed(results), typed(results).archive[0]))

    assert found["accuracy"] == (Cell("0.450"),)
    assert found[label] == (Cell("0.500"),)


def test_the_audit_of_one_model_has_one_column(results: Results) -> None:
    """The same rows as the comparison, without the sizes."""
    found = cells(audit_of(typed(results), typed(results).archive[0]))

    assert found["test accuracy"] == (Cell("0.440", "0.390–0.490"),)
    assert "density" not in found


def test_the_phases_of_a_method_are_told_in_their_order(results: Results) -> None:
    """With their epochs and the density after each; a method without any has no table."""
    assert phases(typed(results)) is None
    results["method"] = {
        "type": "prune",
        "epochs": 5,
        "phases": [
            {"name": "pretrain", "epochs": 3, "density": 1.0},
            {"name": "prune and fine-tune", "epochs": 2, "density": 0.1},
        ],
        "facts": {},
    }

    table = phases(typed(results))

    assert table is not None
    assert table.title == "How prune came to its model"
    assert [(row.label, [cell.value for cell in row.cells]) for row in table.rows] == [
        ("pretrain", ["3", "1.000"]),
        ("prune and fine-tune", ["2", "0.100"]),
    ]


def test_the_overview_has_a_row_for_each_attack(results: Results) -> None:
    """Metrics and sizes as in the comparison, and of attacks the advantage alone."""
    table, whole = overview(typed(results)), comparison(typed(results))

    assert table.columns == whole.columns
    assert [row.label.strip() for row in table.rows] == [
        *("test accuracy", "density", "parameters", "model file", "advantage of"),
        *("loss", "entropy", "probe"),
    ]
    assert table.rows[:4] == whole.rows[:4]
    assert cells(table)["  probe"] == cells(whole)["  advantage"]
