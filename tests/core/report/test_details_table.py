"""The table of membership details."""

from typing import Any

from safecompress_core.report.details_table import membership_details_table
from tests.core.fixtures.records import membership_record, typed, with_interval

Results = dict[str, Any]


MEASURES = [
    f"{name}{end}" for name in ("advantage", "accuracy", "auc") for end in ("", "_interval")
]


def label(name: str, advantage: float) -> dict[str, Any]:
    """An attack on the samples of a task label."""
    measures = dict.fromkeys(MEASURES[::2], 0.6) | dict.fromkeys(MEASURES[1::2], (0.5, 0.7))
    return {"label": name, "members": 10, "non_members": 10, **measures, "advantage": advantage}


def closer(precision: float | None, epsilon: dict[str, Any] | None) -> dict[str, Any]:
    """Details of a membership attack."""
    labels = [
        label("a", 0.1),
        label("b", 0.3),
        {**label("c", 0.0), **dict.fromkeys(MEASURES), "note": "too few"},
    ]
    return {
        "precision": precision,
        "precision_interval": None if precision is None else [precision - 0.1, precision + 0.1],
        "precision_prior": 0.1,
        "epsilon": epsilon,
        "top_decile": {
            "precision": 0.7,
            "interval": [0.5, 0.9],
            "samples": 2,
            "members": 1,
            "share": 0.1,
            "baseline": 0.5,
        },
        "labels": labels if epsilon else labels[2:],
    }


def test_both_models_stand_side_by_side(results: Results) -> None:
    """Attribute attacks have no rows; a missing figure is replaced by its reason."""
    counts = {"confidence": 0.95, "pairs": 10, "correct": 9, "guesses": 10}
    bound = {"lower_bound": 1.25, "gaussian_lower_bound": None, "delta": 0.0, **counts}
    canaries = membership_record(0.5, **with_interval("auc", 0.8, 0.6, 0.9)).to_json()
    results["audit"]["loss"] |= closer(0.4, bound) | {"canaries": canaries}
    results["baseline"]["audit"]["loss"] |= closer(None, None) | {"canaries": canaries}

    table = membership_details_table(typed(results))

    assert table is not None
    assert table.columns == ("uncompressed", "compressed")
    heading, *rows = table.rows
    assert (heading.label, heading.note) == ("loss", "membership")
    cells = {row.label.strip(): [(cell.value, cell.note) for cell in row.cells] for row in rows}
    assert cells == {
        "precision at prior 0.1": [("–", "predicts no member"), ("0.400", "0.300–0.500")],
        "top 10 % members (guess 0.500)": [("0.700", "0.500–0.900")] * 2,
        "AUC on canaries": [("0.800", "0.600–0.900")] * 2,
        "ε is at least": [("–", "no pairs"), ("1.250", "9 of 10 right")],
        "most exposed label": [("–", "too few samples"), ("0.300", "b")],
    }


def test_without_an_attack_on_membership_there_is_no_table(results: Results) -> None:
    """Nor for results of an attack that was not looked at closely."""
    assert membership_details_table(typed(results)) is None
    assert membership_details_table(typed({**results, "audit": {}})) is None
