"""What guards a model's answers: it learns after training, and is left out by who has the file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from safecompress_core.api import Access, Params
from safecompress_core.attacks.observations import observe
from safecompress_core.data.dataset import Dataset
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.output_guard import GuardTrainingData, OutputGuard
from safecompress_core.saved_models.storage import load_model, save_model
from safecompress_core.seeding import Seed
from safecompress_core.sparse.topology import Topology
from safecompress_core.training.defence import Defence
from safecompress_core.training.settings import Settings
from safecompress_core.training.trainer import Trainer
from safecompress_core.training.training_state import TrainingState

MEMBERS = torch.arange(0, 400, 2)
REFERENCE = torch.arange(1, 101, 2)


class Blunt(OutputGuard):
    """Divides logits by a number that it has learned, and notes what it was shown."""

    by: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("by", torch.ones(()))
        self.shown: list[tuple[GuardTrainingData, int]] = []

    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        drawn = int(torch.randint(2**40, (), generator=generator))
        self.shown.append((training_data, drawn))
        self.by.copy_(1 + training_data.members.abs().mean())

    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        return logits / self.by


class Blunting(Defence):
    """A defence of the answers alone."""

    def make_guard(self, *, classes: int, generator: torch.Generator) -> OutputGuard:
        return Blunt()


def make_defence(name: str, params: Params) -> Defence:
    """As a context makes it."""
    defence = Blunting()
    defence.guard = defence.make_guard(classes=10, generator=torch.Generator())
    return defence


def guarded(network: Classifier) -> TrainingState:
    """A dense learner whose answers are guarded."""
    return TrainingState(
        network,
        None,
        Settings(
            learning_rate=0.01,
            density=1.0,
            update_fraction=0,
            rule=0,
            defences={"blunting": Params()},
        ),
        make_optimizer=lambda parameters, rate: torch.optim.Adam(parameters, lr=rate),
        make_defence=make_defence,
    )


def guard_of(state: TrainingState) -> Blunt:
    """The one that stands before its answers."""
    guard = state.guard
    assert isinstance(guard, Blunt)
    return guard


@pytest.fixture
def trainer(digits: Dataset) -> Trainer:
    """Half of the digits are members, and 50 of the others are set aside."""
    return Trainer(
        digits,
        MEMBERS,
        batch_size=32,
        device=torch.device("cpu"),
        seed=Seed(11),
        reference=REFERENCE,
    )


@pytest.fixture
def trained(network: Callable[..., Classifier], trainer: Trainer) -> TrainingState:
    """After two epochs."""
    one = guarded(network(dropout=0.5))
    trainer.train(one, until=2, topology_schedule=None, what="it")
    return one


def test_it_is_shown_what_the_trained_model_answers(
    trained: TrainingState, trainer: Trainer, digits: Dataset
) -> None:
    """In eval mode; all reference samples, and as many different members."""
    ((training_data, _),) = guard_of(trained).shown
    members, others = training_data.members, training_data.others
    network = trained.network
    assert network.training  # as training left it

    network.eval()
    answers = network(digits.inputs)

    assert torch.equal(others, answers[REFERENCE])
    assert len(members) == len(others)
    rows = [(answers == one).all(dim=1).nonzero()[0, 0].item() for one in members]
    assert len(set(rows)) == len(rows)
    assert set(rows) <= set(MEMBERS.tolist())


def test_without_reference_samples_all_members_are_shown(
    network: Callable[..., Classifier], digits: Dataset
) -> None:
    """And of others none."""
    trainer = Trainer(digits, MEMBERS, batch_size=32, device=torch.device("cpu"), seed=Seed(11))
    one = guarded(network())

    trainer.train(one, until=1, topology_schedule=None, what="it")

    ((training_data, _),) = guard_of(one).shown
    assert training_data.members.shape == (200, 10)
    assert training_data.others.shape == (0, 10)


@pytest.mark.parametrize("bounds", [None, (torch.full((), -1.0), torch.full((), 3.0))])
def test_it_may_ask_about_random_inputs_of_the_datas_range(
    network: Callable[..., Classifier],
    digits: Dataset,
    bounds: tuple[Tensor, Tensor] | None,
) -> None:
    """Between the data's bounds, or where there are none the members' lowest and highest values."""
    data = replace(digits, bounds=bounds)
    trainer = Trainer(data, MEMBERS, batch_size=32, device=torch.device("cpu"), seed=Seed(11))
    one = guarded(network())
    trainer.train(one, until=1, topology_schedule=None, what="it")
    ((training_data, _),) = guard_of(one).shown
    asked: list[Tensor] = []
    one.network.module.register_forward_pre_hook(lambda _, inputs: asked.append(inputs[0]))

    first, again, other = (
        training_data.at_random(600, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )

    drawn, members = torch.cat(asked)[:600], digits.inputs[MEMBERS]
    low, high = bounds or (members.amin(dim=0), members.amax(dim=0))
    assert bool((drawn >= low).all() & (drawn <= high).all())
    middle = ((low + high) / 2).expand(64)
    torch.testing.assert_close(drawn.mean(dim=0), middle, atol=0.3, rtol=0)
    assert first.shape == (600, 10)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


class Deaf(Blunt):
    """Wants to know of no sample."""

    reads_samples = False

    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        self.shown.append((training_data, 0))


def test_a_guard_that_reads_no_samples_is_shown_none(
    network: Callable[..., Classifier], trainer: Trainer
) -> None:
    """Then the network need not be asked about them either."""
    one, deaf = guarded(network()), Deaf()
    one.defences["blunting"].guard = deaf

    trainer.train(one, until=1, topology_schedule=None, what="it")

    ((training_data, _),) = deaf.shown
    assert training_data.members.shape == training_data.others.shape == (0, 10)


def test_chance_comes_from_the_epoch_alone(
    network: Callable[..., Classifier], trainer: Trainer
) -> None:
    """Two candidates differ by themselves, and not by what was drawn for them."""
    one, other = (guarded(network()) for _ in range(2))
    trainer.train(one, until=1, topology_schedule=None, what="it")
    torch.rand(7)
    trainer.train(other, until=1, topology_schedule=None, what="it")
    trainer.train(other, until=2, topology_schedule=None, what="it")

    first, second, later = (*guard_of(one).shown, *guard_of(other).shown)

    assert first[1] == second[1] != later[1]
    assert torch.equal(first[0].members, second[0].members)


def test_a_guard_changes_nothing_of_training(
    trained: TrainingState, network: Callable[..., Classifier], trainer: Trainer
) -> None:
    """The same weights, bit by bit, as without; a forward pass gives bare logits."""
    plain = TrainingState(
        network(dropout=0.5),
        None,
        Settings(learning_rate=0.01, density=1.0, update_fraction=0, rule=0, defences={}),
        make_optimizer=lambda parameters, rate: torch.optim.Adam(parameters, lr=rate),
        make_defence=make_defence,
    )
    trainer.train(plain, until=2, topology_schedule=None, what="it")

    state = trained.network.state()
    assert state.keys() == plain.network.state().keys()
    assert all(torch.equal(state[name], one) for name, one in plain.network.state().items())


def test_who_asks_meets_the_guard_and_who_holds_the_file_does_not(
    trained: TrainingState, digits: Dataset
) -> None:
    """Posteriors, losses and queries up to gray-box access; labels are what they were."""
    by = guard_of(trained).by
    seen = observe(trained.shipped, digits.inputs, digits.labels)
    bare = observe(trained.network, digits.inputs, digits.labels)
    assert by > 1.1

    for access in (Access.BLACK_BOX, Access.GRAY_BOX):
        view = seen.restrict(access).take(torch.arange(20))
        assert torch.equal(view.logits, bare.logits[:20] / by)
        torch.testing.assert_close(view.posteriors, (bare.logits[:20] / by).softmax(dim=1))
    asked = seen.restrict(Access.GRAY_BOX)
    torch.testing.assert_close(asked.query(digits.inputs), asked.posteriors)
    torch.testing.assert_close(seen.losses, asked.losses)  # what the engine reads metrics from
    holder = seen.restrict(Access.WHITE_BOX)
    for what in ("logits", "losses", "posteriors", "last_layer_gradients"):
        assert torch.equal(getattr(holder, what), getattr(bare, what))
    again = holder.restrict(Access.BLACK_BOX)
    assert torch.equal(again.logits, bare.logits)
    assert torch.equal(again.restrict(Access.LABEL_ONLY).predictions, asked.predictions)
    assert torch.equal(asked.predict(digits.inputs), bare.predictions)


def test_a_branch_and_a_checkpoint_have_what_it_has_learned(
    trained: TrainingState, network: Callable[..., Classifier], trainer: Trainer, digits: Dataset
) -> None:
    """A branch has a guard of its own, which learns on without the other."""
    before = guard_of(trained).by.clone()
    twin, restored = trained.branch(trained.settings), guarded(network(dropout=0.5))
    restored.restore(trained.tensors(), epoch=2)

    for one in (twin, restored):
        assert guard_of(one) is not guard_of(trained)
        assert torch.equal(guard_of(one).by, before)
    trainer.train(twin, until=6, topology_schedule=None, what="it")

    assert guard_of(twin).by != before
    assert torch.equal(guard_of(trained).by, before)


def test_its_tensors_are_in_the_models_file_beside_the_weights(
    trained: TrainingState, tmp_path: Path
) -> None:
    """Whatever the model's own are called."""
    state = trained.network.state()
    topology = Topology.dense({name: one.shape for name, one in trained.weights.items()})
    guard = guard_of(trained).state_dict()

    save_model(tmp_path / "model.safetensors", state, topology, {}, guard=guard)
    stored = load_model(tmp_path / "model.safetensors")

    assert stored.state.keys() == state.keys()
    assert stored.guard.keys() == {"by"}
    assert torch.equal(stored.guard["by"], guard_of(trained).by)
