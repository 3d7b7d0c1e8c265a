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
DP_SGD = {"type": "dp-sgd", "noise": 1.0, "clip": 0.5, "delta": 1e-4}
PRIVATE = {
    "method__defences": [DP_SGD],
    "method__strategies": [
        {**STRATEGY, "set": {"dp-sgd.noise": [0.6], "dp-sgd.clip": {"factor": 0.5}}}
    ],
    "method__rounds": 2,
    "method__bound": "estimate",
    "training__epochs": 4,
    **LIGHT,
}
RACE = {
    **PRIVATE,
    "method__field": [4, 2],
    "method__strategies": [
        {**STRATEGY, "set": {"dp-sgd.noise": {"low": 0.2, "high": 2, "scale": "log"}}},
        {**STRATEGY, "set": {"dp-sgd.clip": [0.1, {"factor": 4}]}},
    ],
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
        assert facts["steps"] == sum(steps for *_, steps in facts["history"]) == 4 * 8
        assert {rate for _, rate, _ in facts["history"]} == {1 / 8}
        changed = one.settings.defences["dp-sgd"]
        assert facts["history"][-1][0] == changed["noise"]
        assert facts["clipping_norm"] == changed["clip"]
    assert any(len(one.defences["dp-sgd"].to_json()["history"]) == 2 for one in last)
    [chosen] = [one for one in last if one.chosen]
    assert results.defences == chosen.defences


def test_where_tests_choose_no_epsilon_is_stated(private: tuple[Any, Results]) -> None:
    """In the results of every model, in the terminal and on the page."""
    path, results = private
    facts = results.defences["dp-sgd"].to_json()
    told = (
        "dp-sgd: no guarantee, since selection used members without noise: noise multiplier "
        f"{facts['noise_multiplier']:g}, clipping norm {facts['clipping_norm']:g}, 32 steps"
    )
    terminal = io.StringIO()
    print_summary(Console(width=1000, file=terminal), results)
    page = write_report(path).read_text()

    assert told in terminal.getvalue()
    assert told in page
    assert "ε =" not in terminal.getvalue() + page
    tested = [one for round_ in results.rounds for one in round_.candidates]
    for model in (results, *tested, *results.archive):
        assert model.defences["dp-sgd"].to_json()["epsilon"] is None


def test_lineages_of_a_race_have_noise_and_clips_of_their_own(bench: Any) -> None:
    """From a range, a list and a factor; none of them has a guarantee."""
    results = bench.run(**RACE).results
    [first, second] = results.rounds

    assert (len(first.candidates), len(second.candidates)) == (4, 2)
    dials = [one.settings.defences["dp-sgd"] for one in first.candidates]
    assert len({one["noise"] for one in dials}) > 1
    assert {one["clip"] for one in dials} <= {0.1, 0.5, 2.0}
    assert len({one["clip"] for one in dials}) > 1
    for model, values in zip(first.candidates, dials, strict=True):
        facts = model.defences["dp-sgd"].to_json()
        assert (facts["noise_multiplier"], facts["clipping_norm"]) == (
            values["noise"],
            values["clip"],
        )
        assert facts["epsilon"] is None


def test_a_fixed_training_states_its_epsilon(bench: Any) -> None:
    """Nothing was chosen, so the accountant's figure stands, whatever the number of views."""
    defences = [{"type": "augmentation", "noise": 0.1}, {**DP_SGD, "views": 3}]
    method = {"type": "set", "density": 0.3, "defences": defences}
    run = bench.run(method=method, training__epochs=2, **LIGHT | {"attackers": []})
    facts = run.results.defences["dp-sgd"].to_json()
    accountant = RDPAccountant()
    accountant.history = [(1.0, 1 / 8, 16)]
    terminal = io.StringIO()
    print_summary(Console(width=1000, file=terminal), run.results)

    assert facts["epsilon"] == pytest.approx(accountant.get_epsilon(delta=1e-4))
    assert (facts["steps"], facts["views"]) == (16, 3)
    told = f"dp-sgd: ε = {facts['epsilon']:.3g} at δ = 0.0001"
    assert told in terminal.getvalue()
    assert told in write_report(run.path).read_text()


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
