"""Runs that are tested by several attackers as one, and attacked by several models together."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.runs.run import FinishedRun
from safecompress_core.specfile.load import load_spec

pytestmark = pytest.mark.slow

DIGIT = {"attribute": "digit"}
SEVERAL: dict[str, Any] = {
    "attackers": [
        {
            "type": "basket",
            "worst": "run",
            "folds": 2,
            "attackers": [{"type": "confidence"}, {"type": "entropy"}],
        },
        {
            "type": "basket",
            "id": "digit-basket",
            "folds": 2,
            "attackers": [
                {"type": "attribute-probe", **DIGIT},
                {"type": "attribute-blackbox", **DIGIT},
            ],
        },
    ],
    "audit": {
        "attackers": [
            {
                "type": "basket",
                "worst": "run",
                "folds": 2,
                "attackers": [
                    {"type": "loss-threshold"},
                    {"type": "gradient-norm"},
                    {"type": "compression-difference", "classifier": "logistic"},
                ],
            },
            {"type": "compression-versions", "classifier": "logistic"},
            {"type": "attribute-neurons", **DIGIT},
        ],
        "front": "all",
    },
    "gate": [
        {"measure": "membership.advantage", "at_most": 0.999},
        {"measure": "basket.auc", "at_most": 0.999},
    ],
    "pools": {"canaries": 20},
}


@pytest.fixture(scope="module")
def several(benches: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, FinishedRun]:
    """One such run."""
    bench = benches(tmp_path_factory.mktemp("several"))
    return bench, bench.run(**SEVERAL)


def test_a_basket_selects_and_audits_like_any_attacker(several: tuple[Any, FinishedRun]) -> None:
    """It has objectives, measures, canaries, controls and gates of its game."""
    results = several[1].results
    audited = results.audit["basket"]

    assert results.selection.attackers["basket"].access == "black-box"
    assert results.selection.attackers["digit-basket"].game == "attribute"
    for round_ in results.rounds:
        for candidate in round_.candidates:
            assert set(candidate.attacks) == {"basket", "digit-basket"}
    assert audited.canaries.members == 20
    assert audited.remarks["worst"] in audited.remarks["attack_train_accuracy"]
    for controlled in (results.controls.null, results.controls.planted):
        assert controlled["basket"].passed
    assert {one.measure for one in results.gate} == {"membership.advantage", "basket.auc"}
    assert set(results.selection_gap) == {"membership", "attribute"}


def test_every_model_is_attacked_beside_the_other_versions_that_the_audit_keeps(
    several: tuple[Any, FinishedRun],
) -> None:
    """At most four together by default; beside the uncompressed one there are none."""
    results = several[1].results
    front = results.archive
    is_chosen_on_front = any(entry.chosen for entry in front)
    others = len(front) - is_chosen_on_front

    def held(part: Any) -> int:
        versions: int = part.audit["compression-versions"].remarks["versions"]
        return versions

    assert len(front) > 1
    assert held(results.baseline) == 1
    assert held(results) == min(4, 1 + others)
    assert all(held(entry) == min(4, len(front)) for entry in front)


def test_such_a_run_gives_the_same_figures_again(
    several: tuple[Any, FinishedRun], comparable: Callable[[FinishedRun | Path], dict[str, Any]]
) -> None:
    """And its resolved spec is one that can be run."""
    bench, first = several
    again = bench.run(runs="again", **SEVERAL)
    resolved = load_spec(first.path / "spec.resolved.yaml", registry=bench.registry)

    assert comparable(again) == comparable(first)
    assert resolved.resolved == bench.load(**SEVERAL).resolved
