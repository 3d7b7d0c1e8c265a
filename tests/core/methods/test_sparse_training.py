"""Where sparse networks start, and how their topology moves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.api import SparseTrainingParams
from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.problems import Problem
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.sparse.reallocation import reallocated_counts
from safecompress_core.specfile.models.changes import Change

Prepare = Callable[..., RunContext]


def training_of(prepared: RunContext, folder: Path) -> tuple[SparseTraining, MethodContext]:
    """The sparse training of a spec's method, by its first strategy, with all it works with."""
    params: Any = prepared.spec.method
    assert isinstance(params, SparseTrainingParams)
    rule = (params.strategies[0].prune, params.strategies[0].grow)
    context = prepared.method_context(
        "method",
        big=prepared.create_network,
        checkpoints=Checkpoints(folder),
        archived=lambda name: folder / name,
        events=EventLog(),
    )
    return SparseTraining(params, [rule]), context


def test_the_first_topology_has_the_density_that_is_asked_for(
    prepare: Prepare, tmp_path: Path
) -> None:
    """Exactly, and the same one at every call; missing weights are 0."""
    training, context = training_of(prepare(), tmp_path)

    first, second = (training.create_state(context, training.settings(context)) for _ in range(2))

    assert first.topology is not None
    assert first.topology == second.topology
    assert first.topology.total_active == round(0.3 * first.topology.total)
    for name, mask in first.topology.masks.items():
        assert not first.weights[name][~mask].any()


def test_a_sparser_start_is_of_the_density_of_its_settings(
    prepare: Prepare, tmp_path: Path
) -> None:
    """A lineage may begin below the method's density."""
    training, context = training_of(prepare(), tmp_path)
    sparser = training.settings(context).apply_changes({"density": Change(0.2)})
    assert sparser is not None

    state = training.create_state(context, sparser)

    assert state.topology is not None
    assert state.topology.total_active == round(0.2 * state.topology.total)


def test_inherited_weights_are_the_trained_models(prepare: Prepare, tmp_path: Path) -> None:
    """The largest of each; its epochs are told as well."""
    prepared = prepare(method__initial={"type": "uniform", "weights": "inherit"})
    training, context = training_of(prepared, tmp_path)

    state = training.create_state(context, training.settings(context))

    assert training.start == "inherit"
    assert training.facts(context, state)["inherited_epochs"] == 4
    assert state.topology is not None
    for name, weight in prepared.create_network().sparse_parameters().items():
        mask = state.topology.masks[name]
        assert torch.equal(state.weights[name][mask], weight[mask])
        assert weight[mask].abs().min() >= weight[~mask].abs().max()


def test_topologies_move_as_the_parameters_say(prepare: Prepare, tmp_path: Path) -> None:
    """Until a share of all epochs; what was explored is told."""
    prepared = prepare(method__update_until=0.5, method__update_every=1)
    training, context = training_of(prepared, tmp_path)
    state = training.create_state(context, training.settings(context))

    schedule = training.topology_schedule(context)

    assert (schedule.every, schedule.until) == (1, 2.0)
    assert len(schedule.rules) == 1
    assert training.facts(context, state)["explored"] == pytest.approx(0.3, abs=0.01)


def test_a_density_that_leaves_a_layer_empty_is_a_problem(prepare: Prepare, tmp_path: Path) -> None:
    """Found without training, at the field that says it."""
    prepared = prepare(method__density=0.0005)
    training, _ = training_of(prepared, tmp_path)

    [problem] = training.check(prepared.create_network(), prepared.registry.create)

    assert "without a single weight" in problem.message
    assert "density" in str(problem.path)


def test_a_set_density_that_leaves_a_layer_empty_is_a_problem(
    prepare: Prepare, tmp_path: Path
) -> None:
    """At the strategy that names it; the method's own density is fine."""
    prepared = prepare()
    training, _ = training_of(prepared, tmp_path)
    changes = [{}, {"density": [0.2, {"factor": 0.001}]}, {"density": 0.2}]

    [problem] = training.check(prepared.create_network(), prepared.registry.create, changes)

    assert problem.path == ("strategies", 1, "set", "density")
    assert "density 0.0003 leaves" in problem.message


def test_each_kind_of_weights_is_a_start(prepare: Prepare, tmp_path: Path) -> None:
    """The first of the list where nothing is said."""
    prepared = prepare(method__initial={"type": "uniform", "weights": ["random", "inherit"]})
    training, context = training_of(prepared, tmp_path)
    settings = training.settings(context)

    first = training.create_state(context, settings)
    inherited = training.create_state(context, settings, start="inherit")

    assert (training.start, training.starts) == ("random", ("random", "inherit"))
    assert first.topology == training.create_state(context, settings, start="random").topology
    assert first.topology != inherited.topology
    assert inherited.topology is not None
    for name, weight in context.copy_uncompressed().sparse_parameters().items():
        mask = inherited.topology.masks[name]
        assert weight[mask].abs().min() >= weight[~mask].abs().max()
    assert "inherited_epochs" not in training.facts(context, first)
    assert "inherited_epochs" in training.facts(context, inherited, start="inherit")


@pytest.mark.parametrize("starts", [False, True])
def test_several_kinds_of_weights_are_for_methods_that_train_from_each(
    starts: bool, prepare: Prepare
) -> None:
    """Any other method has one model, which starts from one of them."""
    prepared = prepare(method__initial={"type": "uniform", "weights": ["random", "inherit"]})
    params: Any = prepared.spec.method
    training = SparseTraining(params, (), starts=starts)

    problems = list(training.check(prepared.create_network(), prepared.registry.create))

    refusal = Problem(
        path=("initial", "weights"),
        message="test-driven starts from one kind of weights",
        hint="write random or inherit",
    )
    assert problems == ([] if starts else [refusal])


def test_settings_move_weights_between_layers(prepare: Prepare, tmp_path: Path) -> None:
    """From the first topology on, at the same density; the same ones at every call."""
    training, context = training_of(prepare(), tmp_path)
    written = training.settings(context)
    moved = written.apply_changes({"density.1.weight": Change(2.0)})
    assert moved is not None

    before, after, again = (
        training.create_state(context, settings).topology for settings in (written, moved, moved)
    )

    assert before is not None
    assert after is not None
    assert after == again
    assert after.total_active == before.total_active
    assert after.active() == reallocated_counts(before, {"1.weight": 2.0})
    assert after.active()["1.weight"] > before.active()["1.weight"]


def test_facts_set_densities_of_layers_against_an_erdos_renyi_kernel(
    prepare: Prepare, tmp_path: Path
) -> None:
    """Of the same total: a model that starts as one has its densities."""
    prepared = prepare(method__initial={"type": "erdos-renyi-kernel"})
    training, context = training_of(prepared, tmp_path)
    state = training.create_state(context, training.settings(context))
    assert state.topology is not None

    layers = training.facts(context, state)["layers"]

    masks, active = state.topology.masks, state.topology.active()
    assert [layer["name"] for layer in layers] == list(masks)
    for layer in layers:
        density = active[layer["name"]] / masks[layer["name"]].numel()
        assert layer["density"] == layer["erdos_renyi"] == density


def test_a_layer_that_is_not_there_is_a_problem(prepare: Prepare, tmp_path: Path) -> None:
    """With the nearest name, before anything trains."""
    prepared = prepare()
    training, _ = training_of(prepared, tmp_path)

    [problem] = training.check(
        prepared.create_network(), prepared.registry.create, [{"density.1.wieght": 2.0}]
    )

    assert problem.path == ("strategies", 0, "set", "density.1.wieght")
    assert "'1.weight'" in problem.hint
    assert problem.at_key
