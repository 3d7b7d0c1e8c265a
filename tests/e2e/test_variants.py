"""Whole runs of specs that differ from the usual one."""

import json
from typing import Any

import pytest

from safecompress_core.runs.verify import Status, verify_run
from safecompress_core.saved_models.storage import load_model

pytestmark = pytest.mark.slow

SHORT = {"method__rounds": 1, "training__epochs": 2}
THRESHOLDS = {"attackers": [{"type": "modified-entropy"}]}
LIGHT_AUDIT: dict[str, Any] = {"audit": {"attackers": [{"type": "loss-threshold"}]}, "gate": []}
BOTH_GAMES = [{"type": "modified-entropy"}, {"type": "attribute-probe", "attribute": "digit"}]


@pytest.mark.parametrize(
    "choose",
    [
        {"type": "weighted", "advantage_scale": 0.5},
        {"type": "tm-score", "exponent": 2},
        {"type": "worst-case", "floor": 0.1},
        {"type": "pareto", "pick": "hypervolume"},
        {
            "type": "pareto",
            "pick": "reference-point",
            "reference": {"performance": 0.5, "advantage": 0},
        },
    ],
    ids=lambda choose: choose.get("pick", choose["type"]),
)
def test_each_aggregator_chooses(bench: Any, choose: dict[str, Any]) -> None:
    """Every candidate has a utility, and the one that went on is not worse than the incumbent."""
    results = bench.run(choose=choose, **SHORT).results
    [round_] = results.rounds
    [chosen] = [c for c in round_.candidates if c.chosen]

    assert json.loads(json.dumps(results.to_json(), allow_nan=False))
    assert chosen.utility >= round_.candidates[0].utility


def test_a_beam_of_two(bench: Any) -> None:
    """Both are carried on; the one that is liked best ships."""
    results = bench.run(method__beam=2, method__rounds=2, training__epochs=4, **THRESHOLDS).results
    first, second = results.rounds

    assert sum(c.chosen for c in first.candidates) == 2
    assert len(second.candidates) == 8
    best = max((c for c in second.candidates if c.chosen), key=lambda c: c.utility)
    assert [entry.id for entry in results.archive if entry.chosen] in ([best.id], [])
    assert bench.events[-1]["done"] == bench.events[-1]["total"]


def test_a_beam_that_is_killed_goes_on_to_the_same_end(bench: Any) -> None:
    """Each of its models comes back with its own settings."""
    beam = {
        "method__beam": 2,
        "method__rounds": 2,
        "training__epochs": 4,
        **THRESHOLDS,
        **LIGHT_AUDIT,
    }
    undisturbed = bench.run("undisturbed", **beam)
    bench.run_elsewhere("runs", killed_at=("candidate_tested", 6), **beam)
    resumed = bench.run(**beam)

    assert resumed.results.rounds == undisturbed.results.rounds
    files = [run.path / "model" / "model.safetensors" for run in (resumed, undisturbed)]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_starting_from_the_big_models_weights(bench: Any) -> None:
    """Its knowledge is inherited: after one epoch more, far better than a fresh sparse model."""
    common = {
        "training__epochs": 12,
        "method__rounds": 12,
        "method__strategies": [{"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}],
        "method__defences": [],
        **THRESHOLDS,
        **LIGHT_AUDIT,
    }
    accuracy = {}
    for weights in ("random", "inherit"):
        initial = {"type": "erdos-renyi-kernel", "weights": weights}
        first = bench.run(method__initial=initial, **common).results.rounds[0].candidates[0]
        accuracy[weights] = first.objectives["performance"]

    assert accuracy["inherit"] > accuracy["random"] + 0.05


def test_nothing_to_defend_against(bench: Any) -> None:
    """A single candidate needs no attacker; it has a performance alone, with any aggregator."""
    strategy = {"prune": {"type": "magnitude"}, "grow": {"type": "random"}}
    single = {"method__keep": False, "method__strategies": [strategy], **SHORT}
    for choose in ({"type": "pareto"}, {"type": "tm-score"}, {"type": "worst-case", "floor": 0}):
        results = bench.run(attackers=[], choose=choose, **single).results
        [round_] = results.rounds
        assert set(round_.candidates[0].objectives) == {"performance"}
        assert results.audit["loss-threshold"].game == "membership"


def test_nothing_to_audit_with(bench: Any) -> None:
    """Metrics and sizes are there all the same."""
    results = bench.run(audit={"attackers": []}, gate=[], **THRESHOLDS, **SHORT).results

    assert results.audit == results.controls.null == {}
    assert results.metrics["accuracy"].value > 0


def test_canaries_are_trained_on_with_a_wrong_label_and_reported_apart(bench: Any) -> None:
    """The model learns them by heart; ordinary pools hold none of them."""
    run = bench.run(
        method={"type": "uncompressed"},
        task__model={"type": "mlp", "hidden": [128]},
        pools={"canaries": 60},
        training__epochs=150,
    )
    results = run.results
    pools, judged = results.pools, results.audit["loss-threshold"]

    assert (pools["canaries"].members, pools["canaries"].non_members) == (60, 60)
    assert sum(pool.members for pool in pools.values()) == round(1797 / 2)
    assert judged.n == pools["audit"].members + pools["audit"].non_members
    assert judged.canaries.n == 120
    assert judged.canaries.auc_interval[0] > judged.auc
    assert "canaries" not in results.audit["probe-without-limit"].model_fields_set
    checks = verify_run(run.path, bench.registry)
    assert {check.status for check in checks} == {Status.OK}


def test_the_uncompressed_method_under_a_defence_is_not_the_baseline(bench: Any) -> None:
    """The baseline is undefended, whatever the method: so the table shows what a defence does."""
    method = {"type": "uncompressed", "defences": [{"type": "l2", "weight": 1.0}]}
    run = bench.run(method=method, training__epochs=6)
    defended, plain = (
        load_model(run.path / folder / "model.safetensors").state
        for folder in ("model", "baseline")
    )
    sizes = [sum(float(t.square().sum()) for t in state.values()) for state in (defended, plain)]

    assert run.results.model.density == 1
    assert run.results.rounds == run.results.archive == ()
    assert sizes[0] < 0.5 * sizes[1]


@pytest.mark.parametrize(
    ("front", "audited"), [("chosen", "none"), ("ends", "ends"), ("all", "all")]
)
def test_the_front_is_audited_as_far_as_the_spec_says(bench: Any, front: str, audited: str) -> None:
    """No model of it, its two ends, or all; gates look at the chosen one."""
    run = bench.run(
        attackers=BOTH_GAMES,
        audit={**LIGHT_AUDIT["audit"], "front": front},
        gate=[],
        **SHORT,
    )
    archive = run.results.archive
    found = [entry.id for entry in archive if entry.audited]
    best = max(archive, key=lambda entry: entry.objectives["performance"]).id

    assert len(archive) > 0
    expected = {"none": [0], "ends": [1, 2], "all": [len(archive)]}[audited]
    assert len(found) in expected
    assert front == "chosen" or best in found


def test_stochastic_gradient_descent_threshold_pruning_and_uniform_density(bench: Any) -> None:
    """Another optimizer and other topology updates keep the density exactly."""
    results = bench.run(
        training={"epochs": 2, "optimizer": "sgd", "learning_rate": 0.05},
        method__rounds=1,
        method__initial={"type": "uniform"},
        method__strategies=[
            {"prune": {"type": "threshold", "threshold": 0.05}, "grow": {"type": "random"}}
        ],
        method__defences=[],
        **THRESHOLDS,
    ).results

    assert results.model.density == 281 / 936


def test_the_digit_is_the_task_and_the_session_is_private(bench: Any) -> None:
    """Both labels of the embedded data serve as either."""
    results = bench.run(
        task__data={"type": "handwriting", "task": "digit"},
        attackers=[{"type": "attribute-probe", "attribute": "session"}],
        audit={"attackers": [{"type": "loss-threshold"}]},
        method__defences=[{"type": "relaxloss"}],
        gate=[],
        **SHORT,
    ).results

    assert results.metrics["accuracy"].value > 0.15
    kept, *_ = results.rounds[0].candidates
    assert set(kept.objectives) == {"performance", "attribute-probe"}
