"""A few real samples, a small network, and learners around it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from safecompress_core.api import Access, AttackerDef, AttackerParams, Game, Params
from safecompress_core.dataset import Attribute, Dataset
from safecompress_core.engine.attack import Attack
from safecompress_core.engine.defence import Batch, Defence, Step
from safecompress_core.engine.learner import Learner
from safecompress_core.engine.preparation import Preparation
from safecompress_core.engine.settings import Settings
from safecompress_core.engine.trainer import Evolution, Trainer
from safecompress_core.host import load_plugins
from safecompress_core.network import Classifier
from safecompress_core.privacy.attacker import Attacker, Evidence
from safecompress_core.privacy.pools import Pools, build_pools
from safecompress_core.seeding import Seed
from safecompress_core.sparse.selection import largest, random_positions, smallest
from safecompress_core.sparse.strategy import Grow, Prune
from safecompress_core.sparse.topology import Masks, Topology
from safecompress_core.spec.load import load_spec

DENSITY = 0.25


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """400 handwritten digits of shape (64,); the attribute tells whether much ink was used."""
    loaded: Any = load_digits()
    inputs = torch.as_tensor(loaded.data[:400], dtype=torch.float32) / 16
    ink = inputs.sum(dim=1)
    return Dataset(
        inputs=inputs,
        labels=torch.as_tensor(loaded.target[:400], dtype=torch.int64),
        classes=tuple("0123456789"),
        attributes={"bold": Attribute((ink > ink.median()).long(), ("no", "yes"))},
    )


def make_network(*, dropout: float = 0.0) -> Classifier:
    """64 → 12 → 10, always with the same weights."""
    generator = torch.Generator().manual_seed(5)
    module = nn.Sequential(nn.Linear(64, 12), nn.ReLU(), nn.Dropout(dropout), nn.Linear(12, 10))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.2, 0.2, generator=generator)
    return Classifier(module)


@pytest.fixture
def network() -> Callable[..., Classifier]:
    """Makes networks of the same weights."""
    return make_network


class MemoryParams(Params):
    strength: float = 0.1


class Memory(Defence):
    """Has all that a defence may have: an initial draw, a trained part, a buffer, a transform."""

    def __init__(self, params: MemoryParams) -> None:
        super().__init__()
        self._strength = params.strength
        self.register_buffer("seen", torch.zeros(()))

    def prepare(
        self,
        *,
        representation: int,
        classes: int,
        attributes: Mapping[str, int],
        generator: torch.Generator,
    ) -> None:
        weight = torch.randn(representation, generator=generator)
        self.direction = nn.Parameter(weight)

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        noise = torch.randn(batch.inputs.shape, generator=generator)
        return replace(batch, inputs=batch.inputs + self._strength * noise)

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        self.seen += len(step.losses)
        penalty = (step.representation @ self.direction).square().mean()
        return loss + self._strength * penalty / (1 + self.seen / 1000)


def adam(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    """Keeps two moments and a step."""
    return torch.optim.Adam(parameters, lr=learning_rate)


def sgd(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    """Keeps one moment."""
    return torch.optim.SGD(parameters, lr=learning_rate, momentum=0.9)


def plain_sgd(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    """Keeps nothing."""
    return torch.optim.SGD(parameters, lr=learning_rate)


def adamw(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    """Keeps what Adam keeps, and pulls at every weight."""
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=0.1)


OPTIMIZERS = {"adam": adam, "adamw": adamw, "sgd": sgd, "plain-sgd": plain_sgd}


def random_topology(network: Classifier, density: float = DENSITY) -> Topology:
    """The same share of every layer."""
    generator = torch.Generator().manual_seed(6)
    return Topology.from_masks(
        {
            name: random_positions(
                torch.ones_like(weight, dtype=torch.bool),
                round(density * weight.numel()),
                generator=generator,
            )
            for name, weight in network.sparse_parameters().items()
        }
    )


MakeLearner = Callable[..., Learner]


@pytest.fixture
def learner() -> MakeLearner:
    """Makes learners that only differ by what is asked for."""

    def made(
        *,
        optimizer: str = "adam",
        density: float | None = DENSITY,
        dropout: float = 0.0,
        learning_rate: float = 0.01,
        **defences: Params,
    ) -> Learner:
        def make_defence(name: str, params: Params) -> Defence:
            defence = Memory(params)  # type: ignore[arg-type]
            defence.prepare(
                representation=12,
                classes=10,
                attributes={"bold": 2},
                generator=Seed(3).child("defence", name).torch(),
            )
            return defence

        network = make_network(dropout=dropout)
        return Learner(
            network,
            None if density is None else random_topology(network, density),
            Settings(learning_rate=learning_rate, update_fraction=0.3, rule=0, defences=defences),
            make_optimizer=OPTIMIZERS[optimizer],
            make_defence=make_defence,
        )

    return made


@pytest.fixture
def memory() -> type[MemoryParams]:
    """Parameters of the defence that learners of these tests know."""
    return MemoryParams


@pytest.fixture
def trainer(digits: Dataset) -> Trainer:
    """Trains on every other sample in batches of 32, the last one smaller."""
    return Trainer(
        digits,
        torch.arange(0, 400, 2),
        batch_size=32,
        device=torch.device("cpu"),
        seed=Seed(11),
    )


class SmallestWeights(Prune):
    """The smallest weights of each layer."""

    def drop(self, weights: Mapping[str, Tensor], topology: Topology, *, fraction: float) -> Masks:
        counts = topology.active()
        return {
            name: smallest(weights[name].abs(), mask, int(fraction * counts[name]))
            for name, mask in topology.masks.items()
        }


@dataclass
class LargestGradients(Grow):
    """The largest gradients of each layer."""

    gradient_batches: int = 1

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Mapping[str, Tensor] | None,
        generator: torch.Generator,
    ) -> Masks:
        assert gradients is not None
        return {
            name: largest(gradients[name].abs(), ~mask, counts[name])
            for name, mask in topology.masks.items()
        }


class Anywhere(Grow):
    """Random positions."""

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Mapping[str, Tensor] | None,
        generator: torch.Generator,
    ) -> Masks:
        return {
            name: random_positions(~mask, counts[name], generator=generator)
            for name, mask in topology.masks.items()
        }


@pytest.fixture
def evolution() -> Evolution:
    """Updates before epochs 2, 4 and 6, by gradient (rule 0) or at random (rule 1)."""
    prune = SmallestWeights()
    return Evolution(
        rules=((prune, LargestGradients()), (prune, Anywhere())),
        every=2,
        schedule="constant",
        until=7.0,
    )


@pytest.fixture(scope="session")
def pools(digits: Dataset) -> Pools:
    """Of 400 samples: 80 + 80 to learn from, 60 + 60 to select on, 60 + 60 to audit."""
    return build_pools(
        digits.labels,
        members=0.5,
        attack_train=0.4,
        select=0.3,
        audit=0.3,
        generator=torch.Generator().manual_seed(4),
    )


@pytest.fixture(scope="session")
def mislabelled(digits: Dataset) -> Dataset:
    """The same digits, half of them with a label drawn by lot, which can only be memorised."""
    generator = torch.Generator().manual_seed(9)
    lots = torch.randint(10, digits.labels.shape, generator=generator)
    is_wrong = torch.rand(digits.labels.shape, generator=generator) < 0.5
    return replace(digits, labels=torch.where(is_wrong, lots, digits.labels))


@pytest.fixture(scope="session")
def overfitted(mislabelled: Dataset, pools: Pools) -> Classifier:
    """Knows the labels of its members by heart."""
    generator = torch.Generator().manual_seed(9)
    module = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.1, 0.1, generator=generator)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    inputs, labels = mislabelled.inputs[pools.members], mislabelled.labels[pools.members]
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(inputs), labels).backward()
        optimizer.step()
    return Classifier(module)


class SpyParams(AttackerParams):
    reads: str = "losses"
    epochs: int = 1


class Spy(Attacker):
    """Scores by what it is told to read, and notes what it is given.

    Attributes:
        history: ``fit`` and ``adapt`` with what was drawn there, of this very attacker.
        log: the same of all attackers, with the evidence, in the order of events.
    """

    def __init__(self, params: SpyParams, log: list[tuple[str, int, Evidence]]) -> None:
        self._params = params
        self.log = log
        self.history: list[tuple[str, int]] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> "Spy":
        twin = Spy(self._params, self.log)
        twin.history = list(self.history)
        return twin

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        self.history.clear()
        self._learn("fit", known, generator)

    def adapt(self, known: Evidence, *, generator: torch.Generator) -> None:
        self._learn("adapt", known, generator)

    def _learn(self, what: str, known: Evidence, generator: torch.Generator) -> None:
        drawn = int(torch.randint(2**40, (), generator=generator))
        self.history.append((what, drawn))
        self.log.append((what, drawn, known))

    def score(self, evidence: Evidence) -> Tensor:
        self.log.append(("score", 0, evidence))
        match self._params.reads:
            case "losses":
                return -evidence.seen.losses
            case "correct":
                return (evidence.seen.predictions == evidence.seen.labels).float()
            case "attribute":
                return evidence.seen.hidden[:, : evidence.values]
        return torch.rand(len(evidence.seen), generator=torch.Generator().manual_seed(1))


@dataclass
class Spies:
    """Attacks by spies, and the log of all of them."""

    log: list[tuple[str, int, Evidence]]

    def create(self, params: Params) -> Spy:
        assert isinstance(params, SpyParams)
        return Spy(params, self.log)

    def attack(
        self,
        name: str,
        *,
        reads: str = "losses",
        access: Access = Access.WHITE_BOX,
        game: Game = Game.MEMBERSHIP,
        weight: float = 1.0,
        attribute: str | None = None,
    ) -> Attack:
        definition = AttackerDef(
            name=name, params=SpyParams, target="x:Y", summary="A spy.", game=game, access=access
        )
        params = SpyParams(id=name, reads=reads, weight=weight)
        if attribute:
            params = AttributeSpyParams(id=name, reads=reads, weight=weight, attribute=attribute)
        return Attack(id=name, definition=definition, params=params)


class AttributeSpyParams(SpyParams):
    attribute: str = "bold"


@pytest.fixture
def spies() -> Spies:
    """Nobody has spied yet."""
    return Spies([])


GRADIENT = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
RANDOM = {"prune": {"type": "magnitude"}, "grow": {"type": "random"}}


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[..., Preparation]:
    """Prepares a small spec of built-in parts with some of its fields changed, ``a__b`` for a.b."""

    def prepared(**changes: Any) -> Preparation:
        spec: dict[str, Any] = {
            "version": 1,
            "name": "small",
            "seed": 3,
            "device": "cpu",
            "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [8]}},
            "training": {"epochs": 4, "batch_size": 256, "learning_rate": 0.01},
            "method": {
                "type": "test-driven",
                "density": 0.3,
                "rounds": 2,
                "update_every": 1,
                "strategies": [GRADIENT, RANDOM],
            },
            "attackers": [{"type": "loss-threshold"}],
            "audit": {"attackers": [{"type": "modified-entropy"}]},
        }
        for path, value in changes.items():
            *owners, field = path.split("__")
            place = spec
            for owner in owners:
                place = place[owner]
            place[field] = value
        file = tmp_path / "spec.yaml"
        file.write_text(json.dumps(spec, indent=2))
        registry = load_plugins().registry
        return Preparation(load_spec(file, registry=registry), registry)

    return prepared
