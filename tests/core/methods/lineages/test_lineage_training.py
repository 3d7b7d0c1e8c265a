"""A lineage and its twin: the same settings from the first step, other samples."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.lineage_training import Lineage, LineageTraining
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.methods.test_driven.params import TestDrivenParams
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog

Prepare = Callable[..., RunContext]
TWINNED = {"method__twins": True, "attackers": [{"type": "counterfactual"}]}


@pytest.fixture
def training(
    prepare: Prepare, workshop: Callable[..., MethodContext]
) -> Callable[..., LineageTraining]:
    """Makes the training of lineages of the small spec."""

    def made(*, twins: bool = True) -> LineageTraining:
        changes: dict[str, Any] = TWINNED if twins else {}
        params = prepare(**changes).spec.method
        assert isinstance(params, TestDrivenParams)
        rules = [(strategy.prune, strategy.grow) for strategy in params.strategies]
        return LineageTraining(workshop(**changes), SparseTraining(params, rules), twins=twins)

    return made


def started(training: LineageTraining) -> Lineage:
    """The lineage that the spec describes, untrained."""
    written = training.context.settings([], density=0.3, update_fraction=0.5)
    return training.start(1, LineageSettings("as written", "random", written))


def test_what_is_tested_is_finished_where_the_method_asks_for_it(
    prepare: Prepare, workshop: Callable[..., MethodContext]
) -> None:
    """Model and twin alike; the lineage itself trains on as it is."""
    changes: dict[str, Any] = TWINNED | {"method__finish": [{"type": "cast"}]}
    params = prepare(**changes).spec.method
    assert isinstance(params, TestDrivenParams)
    rules = [(strategy.prune, strategy.grow) for strategy in params.strategies]
    sparse, context = SparseTraining(params, rules), workshop(**changes)

    for is_finished in (False, True):
        lineages = LineageTraining(context, sparse, twins=True, test_finished=is_finished)
        lineage = started(lineages)
        lineages.train(lineage, until=1, what="a lineage")
        tested = lineages.as_tested(lineage)

        assert lineage.twin is not None
        assert tested.twin is not None
        for state, network in ((lineage.state, tested.network), (lineage.twin, tested.twin)):
            assert state.codes == {}
            for name, weight in network.sparse_parameters().items():
                trained = state.weights[name]
                wanted = trained.half().float() if is_finished else trained
                assert weight.equal(wanted)
        # What is archived is what was tested, without a second pass through the finishers.
        assert (lineages.finish(tested) is tested.state) == is_finished
        shipped = lineages.finish(tested)
        assert set(shipped.codes) == set(shipped.weights)


def test_model_and_twin_start_alike_and_part_with_the_first_step(
    training: Callable[..., LineageTraining],
) -> None:
    """Same weights and topology; then each learns from its own members."""
    lineages = training()
    lineage = started(lineages)
    assert lineage.twin is not None
    before = lineage.state.tensors(), lineage.twin.tensors()
    assert all(before[0][name].equal(before[1][name]) for name in before[0])

    lineages.train(lineage, until=1, what="a lineage")

    assert lineage.state.epoch == lineage.twin.epoch == 1
    weights = (lineage.state.weights, lineage.twin.weights)
    assert not any(weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_a_twin_changes_nothing_of_its_model(training: Callable[..., LineageTraining]) -> None:
    """With or without one, the model is the same to the last bit."""
    found = []
    for twins in (True, False):
        lineages = training(twins=twins)
        lineage = started(lineages)
        lineages.train(lineage, until=2, what="a lineage")
        found.append(lineage.state.tensors())

    assert all(found[0][name].equal(found[1][name]) for name in found[0])


def test_a_branch_takes_its_twin_along(training: Callable[..., LineageTraining]) -> None:
    """Both get the settings, the density and the updated topology; the parent keeps its own."""
    lineages = training()
    lineage = started(lineages)
    lineages.train(lineage, until=1, what="a lineage")
    settings = replace(lineage.state.settings.with_rule(1), density=0.2)

    candidate = lineages.branch(lineage, settings, model="r1c2", rule=1)

    assert candidate.id == "r1c2"
    assert candidate.twin is not None
    assert candidate.state.density == candidate.twin.density == pytest.approx(0.2, abs=1e-3)
    assert lineage.state.density == pytest.approx(0.3, abs=1e-3)
    assert candidate.state.settings.rule == candidate.twin.settings.rule == 1


def test_a_twin_inherits_from_a_twin_of_the_uncompressed_model(
    prepare: Prepare, workshop: Callable[..., MethodContext], tmp_path: Any
) -> None:
    """The run's own uncompressed model has seen the exchanged samples."""
    run_context = prepare(**TWINNED)
    network = run_context.create_network()
    context = run_context.method_context(
        "method",
        big=lambda: network,
        checkpoints=Checkpoints(tmp_path / "checkpoints"),
        archived=lambda name: tmp_path / name,
        events=EventLog(),
    )

    assert context.twin is not None
    inherited, twin = context.copy_uncompressed(), context.twin.copy_uncompressed()

    weights = network.sparse_parameters()
    assert all(weights[name].equal(inherited.sparse_parameters()[name]) for name in weights)
    assert not any(weights[name].equal(twin.sparse_parameters()[name]) for name in weights)
    assert (tmp_path / "checkpoints" / "twin" / "uncompressed").is_dir()
