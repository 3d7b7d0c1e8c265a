"""What defences leave in the results of whole runs."""

import io
from typing import Any

import pytest
from opacus.accountants import RDPAccountant
from rich.console import Console

from safecompress_core.cli.display.tables import print_summary
from safecompress_core.report.page import write_report
from safecompress_core.results.schema import Results

pytestmark = pytest.mark.slow

STRATEGY = {"prune": {"type": "magnitude"}, "grow": {"type": "random"}}
LIGHT = {
    "attackers": [{"type": "loss-threshold"}],
    "audit__attackers": [{"type": "modified-entropy"}],
    "gate": [],
}
PRIVATE = {
    "method__defences": [{"type": "dp-sgd", "noise": 1.0, "clip": 0.5, "delta": 1e-4}],
    "method__strategies": [{**STRATEGY, "set": {"dp-sgd.noise": [0.6]}}],
    "method__rounds": 2,
    "method__bound": "estimate",
    "training__epochs": 4,
    **LIGHT,
}


@pytest.fixture(scope="module")
def private(benches: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Results]:
    """A run in which a candidate goes on with less noise."""
    bench = benches(tmp_path_factory.mktemp("private"))
    run = bench.run(**PRIVATE)
    return run.path, run.results


def test_the_whole_history_of_a_candidate_is_accounted_for(
    private: tuple[Any, Results],
) -> None:
    """4 epochs of 8 batches of 898 members; whoever changed the noise has its parent's steps."""
    _, results = private
    last = results.rounds[-1].candidates
    for one in last:
        facts = one.defences["dp-sgd"].to_json()
        accountant = RDPAccountant()
        accountant.history = [tuple(steps) for steps in facts["history"]]
        assert facts["epsilon"] == pytest.approx(accountant.get_epsilon(delta=1e-4))
        assert facts["steps"] == sum(steps for *_, steps in facts["history"]) == 4 * 8
        assert {rate for _, rate, _ in facts["history"]} == {1 / 8}
        assert facts["history"][-1][0] == one.settings.defences["dp-sgd"]["noise"]
    assert any(len(one.defences["dp-sgd"].to_json()["history"]) == 2 for one in last)
    [chosen] = [one for one in last if one.chosen]
    assert results.defences == chosen.defences
    for entry in results.archive:
        assert entry.defences["dp-sgd"].to_json()["epsilon"] > 0


def test_the_guarantee_is_told_in_the_terminal_and_on_the_page(
    private: tuple[Any, Results],
) -> None:
    """With what it assumes."""
    path, results = private
    told = f"ε = {results.defences['dp-sgd'].to_json()['epsilon']:.3g} at δ = 0.0001"
    terminal = io.StringIO()
    print_summary(Console(width=1000, file=terminal), results)

    assert f"dp-sgd: {told}" in terminal.getvalue()
    assert f"dp-sgd: {told}" in write_report(path).read_text()


def test_a_killed_run_goes_on_counting(bench: Any, private: tuple[Any, Results]) -> None:
    """The steps before it was killed are in its checkpoint."""
    _, undisturbed = private
    bench.run_elsewhere("runs", killed_at=("round_finished", 1), **PRIVATE)

    assert bench.run(**PRIVATE).results.defences == undisturbed.defences


def test_early_stopping_ends_a_run_and_says_when(bench: Any) -> None:
    """Of 30 epochs at a large step; the loop's later rounds keep what there is."""
    results = bench.run(
        pools={"reference": 0.5},
        method__defences=[{"type": "early-stopping", "patience": 1}],
        method__strategies=[STRATEGY],
        training__epochs=30,
        training__learning_rate=0.05,
        **LIGHT,
    ).results
    facts = results.defences["early-stopping"].to_json()

    assert facts["epochs"] < 30
    assert facts["best_epoch"] == facts["epochs"] - 1
    assert f"ended after {facts['epochs']} of 30 epochs" in facts["text"]
    assert results.rounds[-1].epochs == 30
    assert [one.chosen for one in results.rounds[-1].candidates] == [True, False]
