"""A learner remembers where its weights have been, and where gradients have led."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from safecompress_core.sparse.selection import largest
from safecompress_core.sparse.strategy import Grow, History
from safecompress_core.sparse.topology import Masks, Topology
from safecompress_core.training.trainer import Evolution, Trainer
from safecompress_core.training.training_state import Learner, kept_topology

MakeLearner = Callable[..., Learner]


@dataclass
class LargestMomenta(Grow):
    """The largest running averages of each layer."""

    needs_history: bool = True
    needs_momentum: bool = True

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Mapping[str, Tensor] | None,
        generator: torch.Generator,
        history: History | None = None,
    ) -> Masks:
        assert history is not None
        assert history.momentum is not None
        momentum = history.momentum
        return {
            name: largest(momentum[name].abs(), ~mask, counts[name])
            for name, mask in topology.masks.items()
        }


@pytest.fixture
def by_momentum(evolution: Evolution) -> Evolution:
    """The same updates, by a rule that needs momentum."""
    [(prune, _), *_] = evolution.rules
    return replace(evolution, rules=((prune, LargestMomenta()),))


def test_every_position_that_was_ever_active_is_explored(
    learner: MakeLearner, trainer: Trainer, evolution: Evolution
) -> None:
    """Epoch by epoch the union of all topologies; at first the topology itself."""
    one = learner()
    assert one.explored == one.topology
    seen = one.topology
    assert seen is not None
    for epoch in range(1, 7):
        trainer.train(one, until=epoch, evolution=evolution, what="it")
        assert one.topology is not None
        seen = seen.united(one.topology)
        assert one.explored == seen

    assert one.topology.total_active < seen.total_active < seen.total


def test_momentum_is_the_running_average_of_the_gradients(
    learner: MakeLearner, trainer: Trainer, by_momentum: Evolution
) -> None:
    """Held against torch's SGD on a twin: its momentum buffer, with dampening 0.9, is the same.

    Inactive weights have one too, which no optimizer keeps for them.
    """
    one = learner()
    shadow = {
        name: torch.nn.Parameter(torch.zeros_like(weight)) for name, weight in one.weights.items()
    }
    sgd = torch.optim.SGD(shadow.values(), lr=0.0, momentum=0.9, dampening=0.9)
    for parameter in shadow.values():  # of itself, SGD starts with the first gradient
        sgd.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    weights = one.weights

    def follow(*_: object) -> None:
        for name, parameter in shadow.items():
            gradient = weights[name].grad
            assert gradient is not None
            parameter.grad = gradient.clone()
        sgd.step()

    one.optimizer.register_step_post_hook(follow)
    trainer.train(one, until=2, evolution=by_momentum, what="it")

    assert one.topology is not None
    for name, parameter in shadow.items():
        expected = sgd.state[parameter]["momentum_buffer"]
        torch.testing.assert_close(one.momentum[name], expected)
        assert bool(one.momentum[name][~one.topology.masks[name]].any())


def test_momentum_is_gathered_only_for_a_rule_that_needs_it(
    learner: MakeLearner, trainer: Trainer, evolution: Evolution, by_momentum: Evolution
) -> None:
    """And only as long as topologies may move; else it would cost time and memory for nothing."""
    without, ended = learner(), learner()
    trainer.train(without, until=2, evolution=evolution, what="it")
    trainer.train(ended, until=2, evolution=replace(by_momentum, until=0.0), what="it")

    assert without.momentum == ended.momentum == {}


def test_gathering_momentum_leaves_training_as_it_is(
    learner: MakeLearner, trainer: Trainer, evolution: Evolution, by_momentum: Evolution
) -> None:
    """Before the first update the weights are the same, to the last bit."""
    plain, remembering = learner(), learner()
    trainer.train(plain, until=2, evolution=evolution, what="it")
    trainer.train(remembering, until=2, evolution=by_momentum, what="it")

    assert all(torch.equal(one, remembering.weights[name]) for name, one in plain.weights.items())


def test_a_branch_goes_on_with_the_history(
    learner: MakeLearner, trainer: Trainer, by_momentum: Evolution
) -> None:
    """Exactly as its parent would, and without changing the parent's."""
    parent = learner()
    trainer.train(parent, until=3, evolution=by_momentum, what="it")
    twin = parent.branch(parent.settings)
    kept = {name: one.clone() for name, one in parent.momentum.items()}
    trainer.train(twin, until=6, evolution=by_momentum, what="it")

    assert all(torch.equal(parent.momentum[name], one) for name, one in kept.items())
    trainer.train(parent, until=6, evolution=by_momentum, what="it")
    assert parent.explored == twin.explored
    assert all(torch.equal(twin.momentum[name], one) for name, one in parent.momentum.items())


def test_a_restored_learner_goes_on_with_the_history(
    learner: MakeLearner, trainer: Trainer, by_momentum: Evolution
) -> None:
    """What a checkpoint kept ends in the same bytes, explored positions and momenta included."""
    whole = learner()
    trainer.train(whole, until=3, evolution=by_momentum, what="it")
    kept = {name: tensor.clone() for name, tensor in whole.tensors().items()}
    trainer.train(whole, until=6, evolution=by_momentum, what="it")

    fresh = learner()
    resumed = Learner(
        fresh.network,
        kept_topology(kept, fresh.weights),
        fresh.settings,
        make_optimizer=fresh._make_optimizer,
        make_defence=fresh._make_defence,
    )
    resumed.restore(kept, epoch=3)
    trainer.train(resumed, until=6, evolution=by_momentum, what="it")

    expected, found = whole.tensors(), resumed.tensors()
    assert found.keys() == expected.keys()
    assert {key.split(".")[0] for key in found} >= {"explored", "momentum"}
    assert all(torch.equal(tensor, expected[key]) for key, tensor in found.items())


def test_steps_that_overflow_are_not_remembered(learner: MakeLearner) -> None:
    """In half precision such a step is skipped, and one infinity would stay for good."""
    one = learner()
    one.scaler = torch.amp.GradScaler("cpu", enabled=True)
    for value in (torch.inf, 1.0):
        for weight in one.weights.values():
            weight.grad = torch.full_like(weight, value)
        one.remember()

    assert all(
        torch.allclose(average, torch.full_like(average, 0.1)) for average in one.momentum.values()
    )
