"""What a defence may do in a training step, beside changing batch and loss."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.api import Params
from safecompress_core.dataset import Attribute, Dataset, Inputs
from safecompress_core.engine.defence import Batch, Defence, Step
from safecompress_core.engine.learner import Learner
from safecompress_core.engine.settings import Settings
from safecompress_core.engine.trainer import Trainer
from safecompress_core.network import Classifier
from safecompress_core.seeding import Seed

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


def learner(*, opposed: bool = True) -> Learner:
    """Trained by plain gradient descent at rate 1, so that a step is minus the gradient."""
    return Learner(
        network(),
        None,
        Settings(
            learning_rate=1.0,
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


def same(one: Learner, other: Learner) -> bool:
    """To the last bit."""
    mine, its = one.tensors(), other.tensors()
    return mine.keys() == its.keys() and all(torch.equal(mine[name], its[name]) for name in mine)


def test_a_step_asks_in_its_order() -> None:
    """Batch, opponent, loss, gradients."""
    CALLS.clear()
    trainer(samples(), batch_size=40).train(learner(), until=1, evolution=None, what="it")

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

    batches.train(one, until=1, evolution=None, what="it")

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
    trains.train(whole, until=2, evolution=None, what="it")
    kept = {name: tensor.clone() for name, tensor in whole.tensors().items()}
    twin, restored = whole.branch(whole.settings), learner()
    restored.restore(kept, epoch=2)

    for one in (whole, twin, restored):
        trains.train(one, until=4, evolution=None, what="it")

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

    trainer(samples()).train(one, until=3, evolution=None, what="it")
    trainer(samples(streamed)).train(other, until=3, evolution=None, what="it")

    assert same(one, other)
    assert streamed.asked == [8] * 5 * 3
