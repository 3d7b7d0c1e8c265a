"""Defences in training steps, also those that change more than batch and loss."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.api import Params
from safecompress_core.data.dataset import Attribute, Dataset, Inputs
from safecompress_core.networks.classifier import Classifier
from safecompress_core.seeding import Seed
from safecompress_core.sparse.topology import Topology
from safecompress_core.training.defence import Batch, Defence, Schedule, Step
from safecompress_core.training.settings import Settings
from safecompress_core.training.trainer import TopologySchedule, Trainer
from safecompress_core.training.training_state import TrainingState

CPU = torch.device("cpu")
CALLS: list[str] = []


class Rival(Defence):
    """Has an opponent with an optimizer, softens targets and halves gradients."""

    def __init__(self, _: Params) -> None:
        super().__init__()
        self.own = nn.Linear(4, 1)
        self.shared = nn.Linear(4, 1)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.fill_(0.1)
        self.own_optimizer = torch.optim.Adam(self.own.parameters(), lr=0.05)

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        CALLS.append("transform")
        noise = torch.rand(len(batch.labels), 1, generator=generator) / 2
        hard = nn.functional.one_hot(batch.labels, 3)
        return replace(batch, targets=(1 - noise) * hard + noise / 3)

    def oppose(self, step: Step, *, generator: torch.Generator) -> None:
        CALLS.append("oppose")
        assert self.own_optimizer is not None
        self.own_optimizer.zero_grad()
        self.own(step.representation.detach()).square().mean().backward()
        self.own_optimizer.step()

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        CALLS.append("loss")
        return loss + (self.own(step.representation) + self.shared(step.representation)).mean()

    def adjust(self, step: Step, *, generator: torch.Generator) -> None:
        CALLS.append("adjust")
        for parameter in step.network.parameters():
            assert parameter.grad is not None
            parameter.grad *= 0.5


def network() -> Classifier:
    """5 → 4 → 3 with dropout, always the same."""
    module = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Dropout(0.3), nn.Linear(4, 3))
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.5, 0.5, generator=generator)
    return Classifier(module)


def learner(*, opposed: bool = True) -> TrainingState:
    """Trained by plain gradient descent at rate 1, so that a step is minus the gradient."""
    return TrainingState(
        network(),
        None,
        Settings(
            learning_rate=1.0,
            density=1.0,
            update_fraction=0,
            rule=0,
            defences={"rival": Params()} if opposed else {},
        ),
        make_optimizer=lambda parameters, rate: torch.optim.SGD(parameters, lr=rate),
        make_defence=lambda _, params: Rival(params),
    )


def samples(inputs: Tensor | Inputs | None = None) -> Dataset:
    """41 of them, of five numbers each."""
    numbers = torch.rand(41, 5, generator=torch.Generator().manual_seed(8))
    return Dataset(
        inputs=numbers if inputs is None else inputs,
        labels=torch.arange(41) % 3,
        classes=("a", "b", "c"),
        attributes={"odd": Attribute(torch.arange(41) % 2, ("no", "yes"))},
    )


def trainer(dataset: Dataset, *, batch_size: int = 8) -> Trainer:
    """On all but the first."""
    return Trainer(
        dataset, torch.arange(1, 41), batch_size=batch_size, device=CPU, seed=Seed(9), epochs=4
    )


def same(one: TrainingState, other: TrainingState) -> bool:
    """To the last bit."""
    mine, its = one.tensors(), other.tensors()
    return mine.keys() == its.keys() and all(torch.equal(mine[name], its[name]) for name in mine)


def test_a_step_asks_in_its_order() -> None:
    """Batch, opponent, loss, gradients."""
    CALLS.clear()
    trainer(samples(), batch_size=40).train(learner(), until=1, topology_schedule=None, what="it")

    assert CALLS == ["transform", "oppose", "loss", "adjust"]


def test_targets_take_the_place_of_labels_and_gradients_can_be_changed() -> None:
    """One step by hand: half the gradient of the cross-entropy with soft targets, and the terms."""
    one, data = learner(), samples()
    batches = trainer(data, batch_size=40)
    batch = next(batches._batches(0))
    generator = Seed(9).child("transform", 0).torch()
    state = int(torch.randint(2**62, (), generator=generator))
    rival, by_hand = Rival(Params()), network()
    soft = rival.transform(batch, generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(state)
        logits, representation = by_hand.represent(soft.inputs)
    assert soft.targets is not None
    cross_entropy = -(soft.targets * logits.log_softmax(dim=1)).sum(dim=1).mean()
    rival.own_optimizer.zero_grad()  # type: ignore[union-attr]
    rival.own(representation.detach()).square().mean().backward()
    rival.own_optimizer.step()  # type: ignore[union-attr]
    (cross_entropy + (rival.own(representation) + rival.shared(representation)).mean()).backward()

    batches.train(one, until=1, topology_schedule=None, what="it")

    for parameter, expected in zip(one.network.parameters(), by_hand.parameters(), strict=True):
        assert expected.grad is not None
        torch.testing.assert_close(parameter, expected - expected.grad / 2)


def test_only_its_own_optimizer_moves_an_opponent() -> None:
    """The model's would make it lose; what the defence does not claim is the model's as usual."""
    one = learner()
    rival = one.defences["rival"]
    assert isinstance(rival, Rival)
    held = {id(p) for group in one.optimizer.param_groups for p in group["params"]}

    assert not held & {id(parameter) for parameter in rival.own.parameters()}
    assert held >= {id(parameter) for parameter in rival.shared.parameters()}


def test_a_killed_learner_goes_on_with_its_opponent() -> None:
    """Weights and both moments of the opponent, in a checkpoint and in a branch."""
    whole, trains = learner(), trainer(samples())
    trains.train(whole, until=2, topology_schedule=None, what="it")
    kept = {name: tensor.clone() for name, tensor in whole.tensors().items()}
    twin, restored = whole.branch(whole.settings), learner()
    restored.restore(kept, epoch=2)

    for one in (whole, twin, restored):
        trains.train(one, until=4, topology_schedule=None, what="it")

    assert "opponent.rival/0/exp_avg_sq" in kept
    assert same(whole, twin)
    assert same(whole, restored)


class Streamed(Inputs):
    """Reads each sample when it is asked for, and notes how many at once."""

    def __init__(self, numbers: Tensor) -> None:
        self.shape = tuple(numbers.shape)
        self.asked: list[int] = []
        self._numbers = numbers

    def __getitem__(self, positions: Tensor) -> Tensor:
        self.asked.append(len(positions))
        return torch.stack([self._numbers[int(one)] for one in positions])

    def take(self, positions: Tensor) -> "Streamed":
        view = Streamed(self._numbers[positions])
        view.asked = self.asked
        return view

    def contents(self, positions: Tensor) -> Iterator[bytes]:
        return (self._numbers[int(one)].numpy().tobytes() for one in positions)

    def batches(self, positions: Iterable[Tensor]) -> Iterator[Tensor]:
        for rows in list(positions):  # as one that reads ahead
            yield self[rows]


@pytest.mark.parametrize("opposed", [True, False])
def test_samples_that_are_streamed_give_the_same_bytes(*, opposed: bool) -> None:
    """Dropout and transforms included; a batch at a time is read, and only members."""
    streamed = Streamed(torch.rand(41, 5, generator=torch.Generator().manual_seed(8)))
    one, other = learner(opposed=opposed), learner(opposed=opposed)

    trainer(samples()).train(one, until=3, topology_schedule=None, what="it")
    trainer(samples(streamed)).train(other, until=3, topology_schedule=None, what="it")

    assert same(one, other)
    assert streamed.asked == [8] * 5 * 3


class Wrapper(Defence):
    """Doubles what the last layer is given, moves samples, and ends training after epoch 2."""

    def __init__(self, _: Params) -> None:
        super().__init__()
        self.register_buffer("reviewed", torch.zeros((), dtype=torch.int64))

    @property
    def is_settled(self) -> bool:
        return int(self.reviewed) >= 2

    def challenge(self, batch: Batch, network: Classifier, *, generator: torch.Generator) -> Batch:
        CALLS.append("challenge")
        assert network.training
        return replace(batch, inputs=1 - batch.inputs)

    @contextmanager
    def inside(self, network: Classifier) -> Iterator[None]:
        CALLS.append("inside")
        handle = network.head.register_forward_pre_hook(lambda _, given: (2 * given[0],))
        yield
        handle.remove()

    def review(self, network: Classifier, *, epoch: int) -> None:
        CALLS.append(f"review {epoch}")
        self.reviewed += 1

    def facts(self) -> dict[str, Any]:
        reviewed = int(self.reviewed)
        return {"text": f"reviewed {reviewed} times"} if reviewed else {}


def wrapped(*, topology: Topology | None = None) -> TrainingState:
    """A learner with such a defence, trained by plain gradient descent at rate 1."""
    return TrainingState(
        network(),
        topology,
        Settings(
            learning_rate=1.0, density=1.0, update_fraction=0.5, rule=0, defences={"wrap": Params()}
        ),
        make_optimizer=lambda parameters, rate: torch.optim.SGD(parameters, lr=rate),
        make_defence=lambda _, params: Wrapper(params),
    )


def test_a_forward_pass_runs_inside_of_what_defences_put_around_it() -> None:
    """On the challenged batch; after every epoch there is a review, and nothing is left behind."""
    CALLS.clear()
    one, seen = wrapped(), []
    one.network.head.register_forward_hook(lambda _, given, __: seen.append(given[0]))

    trainer(samples(), batch_size=40).train(one, until=1, topology_schedule=None, what="it")

    assert CALLS == ["challenge", "inside", "review 0"]
    batch = next(trainer(samples(), batch_size=40)._batches(0))
    plain = torch.tanh(network().module[0](1 - batch.inputs))
    kept = seen[0] != 0  # the others were dropped, and those are larger for it
    torch.testing.assert_close(seen[0][kept], (2 * plain / 0.7)[kept])
    inputs = torch.rand(3, 5, generator=torch.Generator().manual_seed(1))
    twin = network()
    twin.module.load_state_dict(one.network.module.state_dict())
    assert torch.equal(one.network.eval()(inputs), twin.eval()(inputs))


def test_a_settled_learner_is_trained_no_more_and_its_topology_stays() -> None:
    """Its epochs pass all the same, in a branch too; results tell what the defence came to."""
    masks = {name: torch.ones_like(one) > 0 for name, one in network().sparse_parameters().items()}
    masks["0.weight"][0] = False
    one, trains = wrapped(topology=Topology.from_masks(masks)), trainer(samples())
    assert one.facts() == {}
    trains.train(one, until=2, topology_schedule=None, what="it")
    before, topology = {n: t.clone() for n, t in one.tensors().items()}, one.topology
    assert one.is_settled

    twin = one.branch(one.settings)
    topology_schedule = TopologySchedule(rules=(), every=1, schedule="constant", until=9.0)
    for learner_ in (one, twin):
        trains.train(learner_, until=4, topology_schedule=topology_schedule, what="it")
        trains.evolve(learner_, topology_schedule, rule=0)

    assert one.epoch == twin.epoch == 4
    assert all(torch.equal(before[name], now) for name, now in twin.tensors().items())
    assert same(one, twin)
    assert one.topology == topology
    assert one.facts() == {"wrap": {"text": "reviewed 2 times"}}


class Hiding(Defence):
    """Shows the model zeros with a label of its own in the place of members."""

    hides_members = True

    def __init__(self, _: Params) -> None:
        super().__init__()

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        labels = torch.zeros_like(batch.labels)
        return replace(batch, inputs=torch.zeros_like(batch.inputs), labels=labels)


def test_gradients_to_grow_by_are_of_what_a_defence_shows() -> None:
    """Members that are hidden in training are hidden from the topology too."""
    hidden = TrainingState(
        network(),
        None,
        Settings(
            learning_rate=1.0, density=1.0, update_fraction=0, rule=0, defences={"hide": Params()}
        ),
        make_optimizer=lambda parameters, rate: torch.optim.SGD(parameters, lr=rate),
        make_defence=lambda _, params: Hiding(params),
    )

    found = trainer(samples()).dense_gradients(hidden, batches=2)
    open_ = trainer(samples()).dense_gradients(learner(opposed=False), batches=2)

    assert not found["0.weight"].any()  # the gradient of a first layer is a multiple of its input
    assert open_["0.weight"].any()


def test_a_trainer_tells_how_much_it_trains() -> None:
    """40 members in batches of 8; a last one of a single sample makes no batch of its own."""
    assert trainer(samples()).schedule == Schedule(members=40, steps=5, epochs=4)
    assert trainer(samples(), batch_size=13).schedule.steps == 3


def test_a_repeated_batch_has_every_row_as_often_as_it_is_asked_for() -> None:
    """Next to each other, with labels, attributes, targets and the members that they are."""
    batch = Batch(
        inputs=torch.arange(6.0).reshape(3, 2),
        labels=torch.tensor([0, 1, 2]),
        attributes={"group": torch.tensor([1, 0, 1])},
        targets=torch.eye(3),
        rows=torch.tensor([7, 8, 9]),
    )

    twice = batch.repeated(2)

    assert twice.inputs.tolist() == [[0, 1], [0, 1], [2, 3], [2, 3], [4, 5], [4, 5]]
    assert twice.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert twice.attributes["group"].tolist() == [1, 1, 0, 0, 1, 1]
    assert twice.targets is not None
    assert twice.targets.argmax(dim=1).tolist() == [0, 0, 1, 1, 2, 2]
    assert twice.rows is not None
    assert twice.rows.tolist() == [7, 7, 8, 8, 9, 9]
    assert batch.repeated(1) is batch
    assert replace(batch, targets=None, rows=None).repeated(2).rows is None


class Seeing(Defence):
    """Two views of each sample; records what a defence is shown in a step."""

    views = 2

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Tensor] = []
        self.steps: list[Step] = []

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        assert batch.rows is not None
        self.rows.append(batch.rows)
        return batch

    def adjust(self, step: Step, *, generator: torch.Generator) -> None:
        self.steps.append(step)


def test_defences_are_shown_as_many_rows_as_there_are_views() -> None:
    """40 members in 5 batches, each of 16 rows; the number of steps stays."""
    seeing = Seeing()
    state = TrainingState(
        network(),
        None,
        Settings(
            learning_rate=0.1, density=1.0, update_fraction=0, rule=0, defences={"see": Params()}
        ),
        make_optimizer=lambda parameters, rate: torch.optim.SGD(parameters, lr=rate),
        make_defence=lambda *_: seeing,
    )

    trainer(samples()).train(state, until=1, topology_schedule=None, what="it")

    assert len(seeing.steps) == 5
    for rows, step in zip(seeing.rows, seeing.steps, strict=True):
        assert torch.equal(rows[::2], rows[1::2])
        shapes = [len(one) for one in (rows, step.logits, step.losses, step.representation)]
        assert shapes == [16, 16, 16, 16]
        assert len(step.batch.labels) == len(step.batch.inputs) == 16
    members = torch.cat([rows[::2] for rows in seeing.rows])
    assert sorted(members.tolist()) == list(range(40))
