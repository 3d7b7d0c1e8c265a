"""A whole run in which candidates are chosen against evasion, and every game is audited."""

import json
from typing import Any

import pytest

from safecompress_core.cli.display.tables import draw_table
from safecompress_core.host import load_plugins
from safecompress_core.report import contents, summary
from safecompress_core.report.page import write_report
from safecompress_core.runs.verify import Status, verify_run

pytest.importorskip("foolbox", reason="the extra 'attacks' is not installed")

AUDIT = [
    {"type": "loss-threshold"},
    {"type": "pgd", "epsilon": 0.05, "steps": 5},
    {"type": "mi-face", "steps": 20},
    {"type": "dlg", "samples": 3, "steps": 20},
    {"type": "knockoff", "epochs": 10},
]
GATES = [
    {"measure": "evasion.robust_accuracy", "at_most": 0.999, "against": "estimate"},
    {"measure": "inversion.error", "at_least": 1e-9, "against": "estimate"},
    {"measure": "knockoff.fidelity", "at_least": 1e-9, "against": "estimate"},
]


def test_heterogeneous_attacks_are_combined(bench: Any) -> None:
    """Membership, evasion and extraction select; all games are audited, told and verified."""
    finished = bench.run(
        method__rounds=1,
        training__epochs=4,
        attackers=[
            {"type": "loss-threshold", "id": "loss"},
            {"type": "fgsm", "epsilon": 0.05},
            {"type": "knockoff", "id": "clone", "epochs": 5, "adapt_epochs": 2},
        ],
        audit={"attackers": AUDIT, "allow_selectors": True},
        gate=GATES,
    )
    results = finished.results

    assert json.loads(json.dumps(results.to_json(), allow_nan=False))
    assert {one.game for one in results.audit.values()} == {
        "membership",
        "evasion",
        "inversion",
        "extraction",
    }
    [round_] = results.rounds
    for candidate in round_.candidates:
        assert set(candidate.objectives) == {"performance", "loss", "fgsm", "clone"}
        assert 0 <= candidate.objectives["fgsm"] <= 1
    assert set(results.selection_gap) == {"membership", "evasion", "extraction"}
    assert set(results.controls.null) == {"loss-threshold"}
    assert all(gate.passed for gate in results.gate)
    checks = verify_run(finished.path, load_plugins().registry)
    assert not [one for one in checks if one.status is Status.DAMAGED]

    page = write_report(finished.path).read_text(encoding="utf-8")
    assert "random noise of the same size" in page
    assert "a clone trained on true labels" in page
    assert contents.headline(results).endswith(".")
    labels = [row.label.strip() for row in summary.comparison(results).rows]
    assert {"robust accuracy", "squared error", "SSIM", "fidelity"} <= set(labels)
    assert draw_table(summary.comparison(results)).row_count == len(labels)
