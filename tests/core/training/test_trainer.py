"""Training on the members: the same batches for all, and only training sees changed inputs."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import TrainingDivergedError
from safecompress_core.networks.classifier import Classifier
from safecompress_core.seeding import Seed
from safecompress_core.specfile.models.run_spec import Augmentation
from safecompress_core.training.trainer import TopologySchedule, Trainer
from safecompress_core.training.training_state import TrainingState
from safecompress_core.training.training_step import TrainingStep

MakeState = Callable[..., TrainingState]


def recorded(state: TrainingState) -> list[Tensor]:
    """The batches that a network will see in training mode."""
    seen: list[Tensor] = []

    def note(module: nn.Module, inputs: Any) -> None:
        if module.training and torch.is_grad_enabled():
            seen.append(inputs[0].clone())

    state.network.register_forward_pre_hook(note)
    return seen


def test_candidates_see_the_same_batches_in_the_same_order(
    make_state: MakeState, trainer: Trainer, memory: type
) -> None:
    """Whatever else was trained in between, and under the same augmentation."""
    one, other = (make_state(memory=memory()) for _ in range(2))
    first, second = recorded(one), recorded(other)

    trainer.train(one, until=2, topology_schedule=None, what="it")
    torch.rand(100)
    trainer.train(other, until=2, topology_schedule=None, what="it")

    assert len(first) == len(second) == 14
    assert all(map(torch.equal, first, second))


def test_every_epoch_goes_once_through_the_members_in_an_order_of_its_own(
    make_state: MakeState, trainer: Trainer, digits: Dataset
) -> None:
    """All 200 of them, the last batch being smaller, and never a non-member."""
    one = make_state()
    seen = recorded(one)

    trainer.train(one, until=2, topology_schedule=None, what="it")

    assert [len(batch) for batch in seen] == [32] * 6 + [8] + [32] * 6 + [8]
    epochs = [torch.cat(seen[:7]), torch.cat(seen[7:])]
    members = digits.inputs[::2]
    for epoch in epochs:
        assert sorted(epoch.tolist()) == sorted(members.tolist())
    assert not torch.equal(*epochs)


def test_dropout_draws_from_the_unit_and_not_from_what_ran_before(
    make_state: MakeState, trainer: Trainer, topology_schedule: TopologySchedule
) -> None:
    """In steps and in the gradients that topologies grow by; the global state stays as it was."""
    one, other = (make_state(dropout=0.5) for _ in range(2))

    torch.manual_seed(1)
    trainer.train(one, until=5, topology_schedule=topology_schedule, what="it")
    torch.manual_seed(2)
    before = torch.get_rng_state()
    trainer.train(other, until=5, topology_schedule=topology_schedule, what="it")

    assert torch.equal(torch.get_rng_state(), before)
    assert one.topology == other.topology
    weights = zip(one.network.parameters(), other.network.parameters(), strict=True)
    assert all(torch.equal(mine, its) for mine, its in weights)


def test_a_loss_that_is_no_number_stops_training_and_says_when_and_what_to_try(
    make_state: MakeState, trainer: Trainer
) -> None:
    """Two epochs are fine; then a weight is broken."""
    one = make_state()
    trainer.train(one, until=2, topology_schedule=None, what="it")
    next(one.network.parameters()).data[:] = float("nan")

    with pytest.raises(TrainingDivergedError) as caught:
        trainer.train(one, until=9, topology_schedule=None, what="candidate r1c2")

    assert str(caught.value) == (
        "the loss of candidate r1c2 is no longer a number in epoch 3; try a smaller "
        "training.learning_rate, or smaller weights of the defences"
    )
    assert one.epoch == 2


@pytest.mark.parametrize("rule", [0, 1])
def test_the_topology_is_exact_after_every_update(
    make_state: MakeState, trainer: Trainer, topology_schedule: TopologySchedule, rule: int
) -> None:
    """It has moved, holds as many weights in each layer, and masks hold in every step."""
    one = make_state()
    one.settings = replace(one.settings, rule=rule)
    before = one.topology
    assert before is not None
    seen = []
    for epoch in range(1, 8):
        trainer.train(one, until=epoch, topology_schedule=topology_schedule, what="it")
        assert one.topology is not None
        assert one.topology.active() == before.active()
        for name, weight in one.weights.items():
            assert not weight[~one.topology.masks[name]].count_nonzero()
        seen.append(one.topology)

    assert [a != b for a, b in zip([before, *seen], seen, strict=False)] == [
        *(False, False, True, False, True, False, True)
    ]


def test_grown_weights_start_at_zero_without_momentum(
    make_state: MakeState, trainer: Trainer, topology_schedule: TopologySchedule
) -> None:
    """Until the next step, both moments of what was grown and of what was pruned are 0."""
    one = make_state()
    trainer.train(one, until=1, topology_schedule=None, what="it")
    before = one.topology
    assert before is not None

    trainer.evolve(one, topology_schedule, rule=1)

    assert one.topology is not None
    for name, weight in one.weights.items():
        changed = one.topology.masks[name] ^ before.masks[name]
        assert changed.any()
        state = one.optimizer.state[weight]
        for tensor in (weight, state["exp_avg"], state["exp_avg_sq"]):
            assert not tensor[changed].count_nonzero()


def test_updates_are_due_between_epochs_until_their_end() -> None:
    """Never before the first epoch, and not at all where ``every`` is 0."""
    rules = TopologySchedule(rules=(), every=3, schedule="cosine", until=9)
    never = TopologySchedule(rules=(), every=0, schedule="cosine", until=9)

    assert [epoch for epoch in range(20) if rules.due(epoch)] == [3, 6]
    assert not any(map(never.due, range(20)))


@pytest.mark.parametrize("batches", [1, 3, 100])
def test_dense_gradients_are_those_of_the_mean_loss_of_the_next_batches(
    make_state: MakeState, trainer: Trainer, digits: Dataset, batches: int
) -> None:
    """For inactive weights too; an epoch of 7 batches has no more to give."""
    one = make_state()
    seen = recorded(one)

    found = trainer.dense_gradients(one, batches=batches)

    assert len(seen) == min(batches, 7)
    samples = torch.cat(list(islice(seen, batches)))
    rows = [(digits.inputs == sample).all(dim=1).nonzero()[0, 0] for sample in samples]
    loss = F.cross_entropy(one.network(samples), digits.labels[torch.stack(rows)])
    expected = torch.autograd.grad(loss, list(one.weights.values()))
    for gradient, wanted in zip(found.values(), expected, strict=True):
        assert torch.allclose(gradient, wanted, atol=1e-7)
    assert all(parameter.grad is None for parameter in one.network.parameters())


def test_the_first_epochs_batches_feed_the_gradients_of_an_update_before_them(
    make_state: MakeState, trainer: Trainer
) -> None:
    """What grows is wanted by the batches that train next."""
    one = make_state()
    seen = recorded(one)

    trainer.dense_gradients(one, batches=1)
    trainer.train(one, until=1, topology_schedule=None, what="it")

    assert torch.equal(seen[0], seen[1])


def test_a_network_is_in_training_mode_whatever_observed_it_before(
    make_state: MakeState, trainer: Trainer
) -> None:
    """Dropout works again after an evaluation."""
    one = make_state(dropout=0.5)
    one.network.eval()

    trainer.train(one, until=1, topology_schedule=None, what="it")

    assert all(module.training for module in one.network.modules())


def test_the_seed_decides_on_the_batches(
    digits: Dataset, network: Callable[..., Classifier]
) -> None:
    """Another seed, another order."""
    members = torch.arange(0, 400, 2)
    one, other = (
        Trainer(digits, members, batch_size=200, device=torch.device("cpu"), seed=Seed(number))
        for number in (1, 2)
    )
    first, second = (next(trainer._batches(0)) for trainer in (one, other))

    assert not torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.attributes["bold"].sum(), second.attributes["bold"].sum())


def test_what_was_just_grown_is_not_pruned_before_it_has_learned(
    make_state: MakeState, trainer: Trainer, topology_schedule: TopologySchedule
) -> None:
    """An update that is due where candidates are derived would undo the candidates' own."""
    one, undone = make_state(), make_state()
    for each in (one, undone):
        trainer.train(each, until=2, topology_schedule=None, what="it")
        trainer.evolve(each, topology_schedule, rule=1)
    derived = one.topology

    trainer.train(one, until=4, topology_schedule=topology_schedule, what="it", is_derived=True)
    trainer.train(undone, until=4, topology_schedule=topology_schedule, what="it")

    assert one.topology == derived
    assert undone.topology != derived
    trainer.train(one, until=5, topology_schedule=topology_schedule, what="it")
    assert one.topology != derived


def test_every_step_is_told_with_its_place_and_the_mean_loss(
    trainer: Trainer, make_state: Callable[..., TrainingState]
) -> None:
    """200 members in batches of 32 are seven steps; a trainer that nobody watches tells nothing."""
    strides: list[TrainingStep] = []
    trainer.with_listener(strides.append).train(
        make_state(), until=2, topology_schedule=None, what="it"
    )

    places = [(one.what, one.epoch, one.until, one.step, one.steps) for one in strides]
    assert places == [("it", epoch, 2, step, 7) for epoch in (1, 2) for step in range(1, 8)]
    assert all(one.seconds >= 0 for one in strides)
    assert trainer.listener is None


def test_the_loss_that_is_told_is_the_mean_of_the_epoch_so_far(
    digits: Dataset, make_state: Callable[..., TrainingState]
) -> None:
    """At a learning rate of nearly 0 that of all members, in four batches of the same size."""
    members = torch.arange(0, 400, 2)
    losses: list[float] = []
    trainer = Trainer(digits, members, batch_size=50, device=torch.device("cpu"), seed=Seed(11))
    slow = make_state(learning_rate=1e-12)

    watched = trainer.with_listener(lambda training_step: losses.append(training_step.loss()))
    watched.train(slow, until=1, topology_schedule=None, what="it")

    inputs, labels = digits.inputs[members], digits.labels[members]
    with torch.no_grad():
        logits = slow.network(inputs)
    assert len(losses) == 4
    assert losses[-1] == pytest.approx(float(F.cross_entropy(logits, labels)), rel=1e-5)


def test_steps_and_gradients_see_augmented_images(make_state: MakeState, digits: Dataset) -> None:
    """Each of the members, mirrored; the data stay as they are."""
    one = make_state()
    one.network.module.insert(0, nn.Flatten())
    images = replace(digits, inputs=digits.inputs.reshape(-1, 1, 8, 8))
    trainer = Trainer(
        images,
        torch.arange(0, 400, 2),
        batch_size=32,
        device=torch.device("cpu"),
        seed=Seed(11),
        augmentation=Augmentation(flip=1),
    )
    seen = recorded(one)

    trainer.dense_gradients(one, batches=7)
    trainer.train(one, until=1, topology_schedule=None, what="it")

    mirrored = digits.inputs[::2].reshape(-1, 8, 8).flip(2).flatten(1)
    for epoch in (seen[:7], seen[7:]):
        assert sorted(torch.cat(epoch).flatten(1).tolist()) == sorted(mirrored.tolist())
