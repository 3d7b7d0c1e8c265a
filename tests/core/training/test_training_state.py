"""A learner is all that training changes: copied, kept and restored, it goes on the same way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.selection import largest
from safecompress_core.sparse.strategy import Grow, History
from safecompress_core.sparse.topology import Masks, Topology
from safecompress_core.sparse.weight_codes import Clustered, Quantised, WeightCode
from safecompress_core.training.defence import Defence, Step
from safecompress_core.training.trainer import TopologySchedule, Trainer
from safecompress_core.training.training_state import TrainingState, read_topology

MakeState = Callable[..., TrainingState]

OPTIMIZERS = ["adam", "adamw", "sgd", "plain-sgd"]


def copied(state: TrainingState) -> dict[str, Tensor]:
    """What a checkpoint would hold now."""
    return {name: tensor.clone() for name, tensor in state.tensors().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two checkpoints agree to the last bit."""
    return one.keys() == other.keys() and all(
        torch.equal(tensor, other[name]) for name, tensor in one.items()
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_a_branch_leaves_the_parent_as_it_was(
    make_state: MakeState,
    trainer: Trainer,
    topology_schedule: TopologySchedule,
    memory: type,
    optimizer: str,
) -> None:
    """Weights, topology, moments, defences and epoch are the twin's own."""
    parent = make_state(optimizer=optimizer, memory=memory())
    trainer.train(parent, until=1, topology_schedule=topology_schedule, what="it")
    before, topology, epoch = copied(parent), parent.topology, parent.epoch

    twin = parent.branch(parent.settings)
    trainer.train(twin, until=4, topology_schedule=topology_schedule, what="it")

    assert same(copied(parent), before)
    assert parent.topology == topology
    assert (parent.epoch, twin.epoch) == (epoch, 4)
    assert not same(copied(twin), before)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_branch_trains_exactly_as_its_parent_would(
    make_state: MakeState,
    trainer: Trainer,
    topology_schedule: TopologySchedule,
    memory: type,
    optimizer: str,
) -> None:
    """To the last bit, topology updates, moments and defences included."""
    parent = make_state(optimizer=optimizer, memory=memory())
    trainer.train(parent, until=3, topology_schedule=topology_schedule, what="it")
    twin = parent.branch(parent.settings)

    for one in (parent, twin):
        trainer.train(one, until=6, topology_schedule=topology_schedule, what="it")

    assert same(parent.tensors(), twin.tensors())


def test_a_branch_takes_the_settings_it_is_given(
    make_state: MakeState, trainer: Trainer, memory: type
) -> None:
    """The learning rate reaches the optimizer, the parameters reach the defence."""
    parent = make_state(memory=memory(strength=0.1))
    trainer.train(parent, until=1, topology_schedule=None, what="it")
    still = replace(parent.settings, learning_rate=0.0, defences={"memory": memory(strength=0.7)})

    twin = parent.branch(still)
    weights = {name: weight.detach().clone() for name, weight in twin.weights.items()}
    trainer.train(twin, until=2, topology_schedule=None, what="it")

    assert all(torch.equal(weight, weights[name]) for name, weight in twin.weights.items())
    assert twin.defences["memory"]._strength == 0.7
    assert parent.optimizer.param_groups[0]["lr"] == 0.01


def test_a_branch_of_a_lower_density_loses_the_smallest_weights(make_state: MakeState) -> None:
    """The parent keeps them; a topology that is given counts more than the settings."""
    parent = make_state(density=0.4)
    assert parent.topology is not None
    sparser = replace(parent.settings, density=0.2)

    thinned, given = parent.branch(sparser), parent.branch(sparser, topology=parent.topology)

    assert thinned.topology is not None
    assert thinned.topology.total_active == round(0.2 * parent.topology.total)
    assert thinned.topology.unite(parent.topology) == parent.topology == given.topology
    for name, mask in thinned.topology.masks.items():
        weight, gone = parent.weights[name].detach().abs(), parent.topology.masks[name] & ~mask
        assert not thinned.weights[name][~mask].any()
        assert weight[mask].min() >= weight[gone].max()
    with pytest.raises(TopologyError, match="cannot be thinned out to"):
        parent.branch(replace(parent.settings, density=1e-9))


@pytest.mark.parametrize(
    "kind", [{"optimizer": name, "density": share} for name in OPTIMIZERS for share in (0.25, None)]
)
def test_a_restored_learner_trains_exactly_as_if_undisturbed(
    make_state: MakeState,
    trainer: Trainer,
    topology_schedule: TopologySchedule,
    memory: type,
    kind: dict[str, Any],
) -> None:
    """Optimizer state and the defence's trained weights and buffer come back bit by bit."""
    moving = topology_schedule if kind["density"] else None
    undisturbed = make_state(**kind, memory=memory())
    trainer.train(undisturbed, until=3, topology_schedule=moving, what="it")
    kept = copied(undisturbed)
    trainer.train(undisturbed, until=6, topology_schedule=moving, what="it")

    restored = make_state(**kind, memory=memory())
    if kind["density"]:
        restored = TrainingState(
            restored.network,
            read_topology(kept, restored.weights),
            restored.settings,
            make_optimizer=restored._make_optimizer,
            make_defence=restored._make_defence,
        )
    restored.restore(kept, epoch=3)
    trainer.train(restored, until=6, topology_schedule=moving, what="it")

    assert same(restored.tensors(), undisturbed.tensors())


def test_density_is_exact_and_a_dense_learner_has_no_topology(make_state: MakeState) -> None:
    """64·12 and 12·10 weights, a quarter of each."""
    sparse, dense = make_state(density=0.25), make_state(density=None)

    assert sparse.density == (192 + 30) / (768 + 120)
    assert int(sum(weight.count_nonzero() for weight in sparse.weights.values())) == 222
    assert dense.density == 1.0
    assert read_topology(dense.tensors(), dense.weights) is None
    assert read_topology(sparse.tensors(), sparse.weights) == sparse.topology


def test_a_network_knows_which_of_its_weights_exist(
    make_state: MakeState, trainer: Trainer, topology_schedule: TopologySchedule
) -> None:
    """Also after its topology has moved, and in every branch; a dense one has them all."""
    parent = make_state()
    twin = parent.branch(parent.settings)
    trainer.train(twin, until=3, topology_schedule=topology_schedule, what="it")

    assert twin.topology != parent.topology
    for one in (parent, twin):
        assert one.topology is not None
        assert Topology.from_masks(one.network.masks) == one.topology
    assert make_state(density=None).network.masks == {}


def test_a_defence_stays_dense_and_is_no_part_of_what_ships(
    make_state: MakeState, memory: type
) -> None:
    """Its weights are trained and kept, but neither masked nor in the network's state."""
    one = make_state(memory=memory())

    assert not any("direction" in name for name in [*one.weights, *one.network.state()])
    assert "defence.memory/direction" in one.tensors()
    assert bool((one.tensors()["defence.memory/direction"] != 0).all())


def test_branches_of_defended_learners_share_no_memory(
    make_state: MakeState, trainer: Trainer, memory: type
) -> None:
    """Not one tensor of the twin lies where one of the parent's does."""
    parent = make_state(memory=memory())
    trainer.train(parent, until=1, topology_schedule=None, what="it")
    twin = parent.branch(parent.settings)

    def places(one: TrainingState) -> set[int]:
        modules = [one.network, *one.defences.values()]
        found = {t.data_ptr() for module in modules for t in module.state_dict().values()}
        for state in one.optimizer.state.values():
            found |= {value.data_ptr() for value in state.values()}
        return found

    assert not places(parent) & places(twin)


def test_a_settled_learner_takes_the_topology_that_its_network_was_put_back_to(
    make_state: MakeState, trainer: Trainer, topology_schedule: TopologySchedule
) -> None:
    """Weights stay as they were then; the file and a branch have the earlier topology."""
    one = make_state()
    trainer.train(one, until=1, topology_schedule=topology_schedule, what="it")
    weights, masks = copied(one), dict(one.network.masks)
    trainer.train(one, until=5, topology_schedule=topology_schedule, what="it")
    assert any(not torch.equal(mask, one.network.masks[name]) for name, mask in masks.items())

    one.network.module.load_state_dict(
        {name: weights[f"network.{name}"] for name in one.network.module.state_dict()}
    )
    one.network.topology = Topology.from_masks(masks)
    one.settle()

    for same_one in (one, one.branch(one.settings)):
        assert same_one.topology == Topology.from_masks(masks)
        for name, tensor in same_one.network.state().items():
            assert torch.equal(tensor, weights[f"network.{name}"])


def test_int8_weights_are_the_networks_and_go_through_a_checkpoint(make_state: MakeState) -> None:
    """What they stand for is what the network computes with; a branch trains on in full."""
    one = make_state(density=None)
    int8 = {
        name: Quantised(
            codes=(weight.detach() * 100).to(torch.int8), scales=torch.full((len(weight),), 0.01)
        )
        for name, weight in one.weights.items()
    }

    one.encode(int8)
    again = make_state(density=None)
    again.restore(copied(one), epoch=3)

    for restored in (one, again):
        for name, weight in restored.weights.items():
            assert torch.equal(weight, int8[name].weight())
            assert torch.equal(restored.codes[name].codes, int8[name].codes)
            assert torch.equal(restored.codes[name].tables["scales"], int8[name].scales)
    assert one.branch(one.settings).codes == {}


def test_codes_of_every_kind_go_through_a_checkpoint(make_state: MakeState) -> None:
    """With their tables, and the size of a group."""
    one = make_state(density=None)
    first, second = one.weights
    columns = one.weights[first].shape[1]
    codes: dict[str, WeightCode] = {
        first: Quantised(
            codes=torch.ones(12, columns, dtype=torch.int8),
            scales=torch.rand(12, -(-columns // 10)),
            width=4,
            group=10,
        ),
        second: Clustered(
            codes=torch.ones(10, 12, dtype=torch.uint8), codebook=torch.tensor([0.0, 0.3])
        ),
    }

    one.encode(codes)
    again = make_state(density=None)
    again.restore(copied(one), epoch=3)

    assert {name: code.name for name, code in again.codes.items()} == {
        first: "int4",
        second: "cluster",
    }
    assert again.codes[first].options == {"group": 10}
    for name, code in codes.items():
        assert torch.equal(again.codes[name].weight(), code.weight())


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
def by_momentum(topology_schedule: TopologySchedule) -> TopologySchedule:
    """The same updates, by a rule that needs momentum."""
    [(prune, _), *_] = topology_schedule.rules
    return replace(topology_schedule, rules=((prune, LargestMomenta()),))


def test_every_position_that_was_ever_active_is_explored(
    make_state: MakeState, trainer: Trainer, topology_schedule: TopologySchedule
) -> None:
    """Epoch by epoch the union of all topologies; at first the topology itself."""
    one = make_state()
    assert one.explored == one.topology
    seen = one.topology
    assert seen is not None
    for epoch in range(1, 7):
        trainer.train(one, until=epoch, topology_schedule=topology_schedule, what="it")
        assert one.topology is not None
        seen = seen.unite(one.topology)
        assert one.explored == seen

    assert one.topology.total_active < seen.total_active < seen.total


def test_momentum_is_the_running_average_of_the_gradients(
    make_state: MakeState, trainer: Trainer, by_momentum: TopologySchedule
) -> None:
    """Held against torch's SGD on a twin: its momentum buffer, with dampening 0.9, is the same.

    Inactive weights have one too, which no optimizer keeps for them.
    """
    one = make_state()
    shadow = {
        name: torch.nn.Parameter(torch.zeros_like(weight)) for name, weight in one.weights.items()
    }
    sgd = torch.optim.SGD(shadow.values(), lr=0.0, momentum=0.9, dampening=0.9)
    for parameter in shadow.values():  # of itself, SGD starts with the first gradient
        sgd.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    weights = one.weights

    class Follow(Defence):
        def adjust(self, step: Step, *, generator: torch.Generator) -> None:
            """Take the dense gradients, which the optimizer's step masks."""
            for name, parameter in shadow.items():
                gradient = weights[name].grad
                assert gradient is not None
                parameter.grad = gradient.clone()
            sgd.step()

    trainer.train(
        one, until=2, topology_schedule=by_momentum, what="it", method_defences=[Follow()]
    )

    assert one.topology is not None
    for name, parameter in shadow.items():
        expected = sgd.state[parameter]["momentum_buffer"]
        torch.testing.assert_close(one.momentum[name], expected)
        assert bool(one.momentum[name][~one.topology.masks[name]].any())


def test_momentum_is_gathered_only_for_a_rule_that_needs_it(
    make_state: MakeState,
    trainer: Trainer,
    topology_schedule: TopologySchedule,
    by_momentum: TopologySchedule,
) -> None:
    """And only as long as topologies may move; else it would cost time and memory for nothing."""
    without, ended = make_state(), make_state()
    trainer.train(without, until=2, topology_schedule=topology_schedule, what="it")
    trainer.train(ended, until=2, topology_schedule=replace(by_momentum, until=0.0), what="it")

    assert without.momentum == ended.momentum == {}


def test_gathering_momentum_leaves_training_as_it_is(
    make_state: MakeState,
    trainer: Trainer,
    topology_schedule: TopologySchedule,
    by_momentum: TopologySchedule,
) -> None:
    """Before the first update the weights are the same, to the last bit."""
    plain, remembering = make_state(), make_state()
    trainer.train(plain, until=2, topology_schedule=topology_schedule, what="it")
    trainer.train(remembering, until=2, topology_schedule=by_momentum, what="it")

    assert all(torch.equal(one, remembering.weights[name]) for name, one in plain.weights.items())


def test_a_branch_goes_on_with_the_history(
    make_state: MakeState, trainer: Trainer, by_momentum: TopologySchedule
) -> None:
    """Exactly as its parent would, and without changing the parent's."""
    parent = make_state()
    trainer.train(parent, until=3, topology_schedule=by_momentum, what="it")
    twin = parent.branch(parent.settings)
    kept = {name: one.clone() for name, one in parent.momentum.items()}
    trainer.train(twin, until=6, topology_schedule=by_momentum, what="it")

    assert all(torch.equal(parent.momentum[name], one) for name, one in kept.items())
    trainer.train(parent, until=6, topology_schedule=by_momentum, what="it")
    assert parent.explored == twin.explored
    assert all(torch.equal(twin.momentum[name], one) for name, one in parent.momentum.items())


def test_a_restored_learner_goes_on_with_the_history(
    make_state: MakeState, trainer: Trainer, by_momentum: TopologySchedule
) -> None:
    """What a checkpoint kept ends in the same bytes, explored positions and momenta included."""
    whole = make_state()
    trainer.train(whole, until=3, topology_schedule=by_momentum, what="it")
    kept = {name: tensor.clone() for name, tensor in whole.tensors().items()}
    trainer.train(whole, until=6, topology_schedule=by_momentum, what="it")

    fresh = make_state()
    resumed = TrainingState(
        fresh.network,
        read_topology(kept, fresh.weights),
        fresh.settings,
        make_optimizer=fresh._make_optimizer,
        make_defence=fresh._make_defence,
    )
    resumed.restore(kept, epoch=3)
    trainer.train(resumed, until=6, topology_schedule=by_momentum, what="it")

    expected, found = whole.tensors(), resumed.tensors()
    assert found.keys() == expected.keys()
    assert {key.split(".")[0] for key in found} >= {"explored", "momentum"}
    assert all(torch.equal(tensor, expected[key]) for key, tensor in found.items())


def test_steps_that_overflow_are_not_remembered(make_state: MakeState) -> None:
    """In half precision such a step is skipped, and one infinity would stay for good."""
    one = make_state()
    one.scaler = torch.amp.GradScaler("cpu", enabled=True)
    for value in (torch.inf, 1.0):
        for weight in one.weights.values():
            weight.grad = torch.full_like(weight, value)
        one.remember()

    assert all(
        torch.allclose(average, torch.full_like(average, 0.1)) for average in one.momentum.values()
    )


def test_gradients_are_aligned_with_their_parameters(make_state: MakeState) -> None:
    """A fused optimizer reads memory in order: with another layout it would exchange weights."""
    one, other = make_state(), make_state()
    for state, layout in (
        (one, torch.Tensor.contiguous),
        (other, lambda x: x.t().contiguous().t()),
    ):
        generator = torch.Generator().manual_seed(7)
        for weight in state.weights.values():
            weight.grad = layout(torch.rand(weight.shape, generator=generator))
        state.align_gradients()
        state.optimizer.step()

    assert same(copied(one), copied(other))


def test_dropped_gradients_are_those_of_all_trained_parameters(
    make_state: MakeState, memory: type
) -> None:
    """A defence trains parameters of its own."""
    one = make_state(memory=memory())
    parameters = [*one.network.parameters(), *one.defences["memory"].parameters()]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)

    one.drop_gradients()

    assert all(parameter.grad is None for parameter in parameters)
