"""What a method is given, and what it leaves behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.methods.method import (
    MethodContext,
    MethodOutcome,
    _check_outcome,
    shared_teacher,
)
from safecompress_core.methods.uncompressed import Uncompressed
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.saved_models.storage import load_model
from safecompress_core.sparse.topology import Topology

Prepare = Callable[..., RunContext]


@pytest.fixture
def context(prepare: Prepare, tmp_path: Path) -> MethodContext:
    """Of the small spec."""
    return prepare().method_context(
        "method",
        big=None,
        checkpoints=Checkpoints(tmp_path / "checkpoints"),
        archived=lambda name: tmp_path / name,
        events=EventLog(),
    )


def test_a_stored_model_has_its_weights_topology_and_architecture(
    context: MethodContext, tmp_path: Path
) -> None:
    """The same model gives the same bytes; a dense one is all active."""
    state = context.new_state(context.create_network(), None, context.settings([]))
    for name in ("one", "two"):
        context.store(state, tmp_path / name)

    stored = load_model(tmp_path / "one")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert stored.topology.density == 1.0
    assert stored.metadata["model"]["type"] == "mlp"
    weights = state.network.state()
    assert all(torch.equal(stored.state[name], one) for name, one in weights.items())


def test_a_training_state_comes_back_from_its_tensors(context: MethodContext) -> None:
    """With topology and epoch, in a fresh network."""
    network = context.create_network()
    masks = {
        name: torch.arange(weight.numel()).reshape(weight.shape) % 3 == 0
        for name, weight in network.sparse_parameters().items()
    }
    state = context.new_state(network, Topology.from_masks(masks), context.settings([]))

    restored = context.restore_state(state.tensors(), state.settings, epoch=3)

    assert restored.epoch == 3
    assert restored.topology == state.topology
    assert restored.network is not state.network
    for name, weight in state.weights.items():
        assert torch.equal(restored.weights[name], weight)


def test_one_teacher_is_made_for_all_and_frozen(network: Callable[..., Classifier]) -> None:
    """Not before somebody asks for it."""
    made: list[Classifier] = []

    def big() -> Classifier:
        made.append(network())
        return made[-1]

    teacher = shared_teacher(big)
    assert made == []

    assert teacher() is teacher()
    assert len(made) == 1
    assert not teacher().training
    assert not any(parameter.requires_grad for parameter in teacher().parameters())


@pytest.mark.parametrize("found", [None, {"chosen": 1}])
def test_what_is_no_outcome_is_refused(found: Any) -> None:
    """A method of a plugin may return anything."""
    with pytest.raises(ValueError, match="it must return a MethodOutcome with the chosen"):
        _check_outcome(None, found)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("records", "field"),
    [
        ({"rounds": ({"round": 1},)}, "epochs: Field required"),
        ({"phases": ({"name": "prune", "epochs": 2, "density": [1]},)}, "density"),
    ],
)
def test_records_that_results_cannot_hold_are_refused(
    context: MethodContext, records: dict[str, Any], field: str
) -> None:
    """Where the plugin is named, and not after hours of training."""
    state = context.new_state(context.create_network(), None, context.settings([]))
    outcome = MethodOutcome(chosen=state, **records)

    with pytest.raises(ValueError, match=f"returned what results cannot hold: .*{field}"):
        _check_outcome(None, outcome)  # type: ignore[arg-type]


def test_a_lineage_that_is_no_json_is_refused(context: MethodContext) -> None:
    """Keys and jobs of reference models are made of it."""
    state = context.new_state(context.create_network(), None, context.settings([]))

    with pytest.raises(ValueError, match="returned a lineage that JSON cannot hold: .*Settings"):
        _check_outcome(
            None,  # type: ignore[arg-type]
            MethodOutcome(chosen=state, lineage={"start": state.settings}),
        )


def test_a_method_that_selects_nothing_is_its_own_replay(context: MethodContext) -> None:
    """Run again, it trains the same model."""
    method = Uncompressed(UncompressedParams())
    outcome = method.run(context)
    context.checkpoints.drop("uncompressed")

    state = method.replay(context, outcome.lineage)

    assert outcome.lineage == {}
    for name, weight in outcome.chosen.weights.items():
        assert torch.equal(state.weights[name], weight)
