"""What averages hide, as a table."""

from typing import Any

from safecompress_core.report.details_table import membership_details_table

Results = dict[str, Any]


def closer(precision: float | None, epsilon: dict[str, Any] | None) -> dict[str, Any]:
    """What the audit adds to an attack on membership."""
    labels = [
        {"label": "a", "advantage": 0.1},
        {"label": "b", "advantage": 0.3},
        {"label": "c", "advantage": None},
    ]
    return {
        "precision": precision,
        "precision_interval": None if precision is None else [precision - 0.1, precision + 0.1],
        "precision_prior": 0.1,
        "epsilon": epsilon,
        "top_decile": {"precision": 0.7, "interval": [0.5, 0.9], "baseline": 0.5},
        "labels": labels if epsilon else labels[2:],
    }


def test_both_models_stand_side_by_side(results: Results) -> None:
    """Attacks on attributes have no rows; what cannot be told is said in words."""
    bound = {"lower_bound": 1.25, "correct": 9, "guesses": 10}
    canaries = {"auc": 0.8, "auc_interval": [0.6, 0.9]}
    results["audit"]["loss"] |= closer(0.4, bound) | {"canaries": canaries}
    results["baseline"]["audit"]["loss"] |= closer(None, None) | {"canaries": canaries}

    table = membership_details_table(results)

    assert table is not None
    assert table.columns == ("uncompressed", "compressed")
    heading, *rows = table.rows
    assert (heading.label, heading.note) == ("loss", "membership")
    cells = {row.label.strip(): [(cell.value, cell.note) for cell in row.cells] for row in rows}
    assert cells == {
        "precision at prior 0.1": [("–", "accuses nobody"), ("0.400", "0.300–0.500")],
        "top 10 % members (guess 0.500)": [("0.700", "0.500–0.900")] * 2,
        "AUC on canaries": [("0.800", "0.600–0.900")] * 2,
        "ε is at least": [("–", "no pairs"), ("1.250", "9 of 10 right")],
        "most exposed label": [("–", "too few samples"), ("0.300", "b")],
    }


def test_without_an_attack_on_membership_there_is_no_table(results: Results) -> None:
    """Nor for results of an attack that was not looked at closely."""
    assert membership_details_table(results) is None
    assert membership_details_table({**results, "audit": {}}) is None
