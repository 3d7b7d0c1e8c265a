"""CPU time of the trainer's steps and topology updates, as ratios.

All ways of a row take turns in one process, so that whatever else the machine does falls on each of
them alike. The table shows the median over rounds of one way's CPU time divided by another's in the
same round, with its quartiles.

- ``trainer / bare step``: a step of the trainer, and of a loop of a few lines of plain PyTorch with
  the same network, optimizer and batches; of ``default Adam``, the optimizer is as torch makes it
  where nothing is said.
- ``masked / dense step``: of the trainer, at ``--density`` and without a topology.
- ``stacked / bare step``: a model and its swap twin in one step of batched matrix products, and the
  model alone; ``torch.func / bare step`` has them stacked by `torch.func.vmap`. Both are plain
  PyTorch, and a lower bound of what a trainer that stacks would take.
- ``update / step``: magnitude pruning and gradient growth of a masked network, given the gradients;
  ``gradients / step`` is the pass over one batch that yields them.

    OMP_NUM_THREADS=1 python benchmarks/loop.py [--only mlp] [--rounds 100]
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from safecompress_core.api import Params
from safecompress_core.context.trainer_factory import TrainerFactory
from safecompress_core.data.dataset import Attribute, Dataset
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.environment import reproducible
from safecompress_core.seeding import Seed
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.update import update_topology
from safecompress_core.specfile.models.run_spec import Training
from safecompress_core.training.defence import Defence
from safecompress_core.training.precision import PLAIN
from safecompress_core.training.settings import Settings
from safecompress_core.training.trainer import Trainer
from safecompress_core.training.training_state import OptimizerFactory, TrainingState
from safecompress_plugins.models.initialisation import Normalisation
from safecompress_plugins.models.manifest import MlpParams, Vgg16Params
from safecompress_plugins.models.mlp import Mlp
from safecompress_plugins.models.vgg import Vgg16
from safecompress_plugins.strategies.gradient_growth import GradientGrowth
from safecompress_plugins.strategies.manifest import GradientGrowthParams, MagnitudePruningParams
from safecompress_plugins.strategies.scored_pruning import MagnitudePruning

CPU, CLASSES, LEARNING_RATE = torch.device("cpu"), 14, 0.003
UPDATE = MagnitudePruning(MagnitudePruningParams()), GradientGrowth(GradientGrowthParams())


@dataclass(frozen=True, kw_only=True)
class Case:
    """A network and the samples that it is trained on.

    Attributes:
        build: makes the network, the same each time.
        shape: of an input.
        members: samples of an epoch; as many as the task of ``specs/multi_attack.yaml`` has for the
            perceptron, a few batches for the others.
    """

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    members: int

    def dataset(self) -> Dataset:
        """Noise of the right shape, with a private attribute as most data have."""
        generator = torch.Generator().manual_seed(19)
        labels = torch.arange(self.members) % CLASSES
        return Dataset(
            inputs=torch.rand(self.members, *self.shape, generator=generator),
            labels=labels,
            classes=tuple(map(str, range(CLASSES))),
            attributes={"group": Attribute(values=labels % 2, names=("0", "1"))},
        )

    def prepare(self, training: Training) -> tuple[Dataset, TrainerFactory]:
        """The samples, and the factory of trainers on them."""
        dataset = self.dataset()
        factory = TrainerFactory(
            training=training, dataset=dataset, reference=None, device=CPU, precision=PLAIN
        )
        return dataset, factory


def perceptron(*hidden: int) -> nn.Module:
    """A perceptron for the inputs of ``specs/multi_attack.yaml``."""
    return Mlp(MlpParams(hidden=list(hidden))).build(
        input_shape=(64,), classes=CLASSES, generator=torch.Generator().manual_seed(18)
    )


def vgg16(width: float, normalisation: Normalisation = "batch") -> nn.Module:
    """VGG-16 for 3 × 32 × 32."""
    return Vgg16(Vgg16Params(width=width, normalisation=normalisation)).build(
        input_shape=(3, 32, 32), classes=CLASSES, generator=torch.Generator().manual_seed(18)
    )


PERCEPTRON = Case(build=lambda: perceptron(256, 128), shape=(64,), members=650)
SMALL_VGG = Case(build=lambda: vgg16(0.25), shape=(3, 32, 32), members=256)
VGG = Case(build=lambda: vgg16(1), shape=(3, 32, 32), members=64)
STACKED: Mapping[str, Case] = {
    "mlp 64-256-128-14": PERCEPTRON,
    "mlp 64-64-14": Case(build=lambda: perceptron(64), shape=(64,), members=650),
}
STEP_CASES: Mapping[str, Case] = {
    "mlp 64-256-128-14": PERCEPTRON,
    "vgg16, a quarter as wide": SMALL_VGG,
}


def trained_part(
    case: Case,
    training: Training,
    *,
    density: float,
    defences: Mapping[str, Params] = MappingProxyType({}),
    defence_of: Callable[[Params, Trainer], Defence] | None = None,
) -> tuple[Trainer, TrainingState]:
    """A trainer and a training state, by default without defences; a density of 1 is dense."""
    dataset, factory = case.prepare(training)
    trainer = factory.create(torch.arange(len(dataset)), Seed(1))

    def make_defence(_: str, params: Params) -> Defence:
        assert defence_of is not None  # there is no defence to make without it
        return defence_of(params, trainer)

    network = Classifier(case.build())
    generator = torch.Generator().manual_seed(20)
    masks = {
        name: torch.rand(weight.shape, generator=generator) < density
        for name, weight in network.sparse_parameters().items()
    }
    state = TrainingState(
        network,
        None if density == 1 else Topology.from_masks(masks),
        Settings(
            learning_rate=LEARNING_RATE,
            density=density,
            update_fraction=0.3,
            rule=0,
            defences=defences,
        ),
        make_optimizer=factory.recipe.optimizer,
        make_defence=make_defence,
    )
    return trainer, state


def trainer_epochs(trainer: Trainer, state: TrainingState) -> Callable[[int], None]:
    """A function that trains for so many epochs by the trainer."""

    def train(epochs: int) -> None:
        until = state.epoch + epochs
        trainer.train(state, until=until, topology_schedule=None, what="the network")

    return train


def bare_epochs(
    case: Case, training: Training, *, by: OptimizerFactory | None = None
) -> Callable[[int], None]:
    """A function that trains for so many epochs in plain PyTorch, by default by our optimizer."""
    dataset, factory = case.prepare(training)
    network = case.build().train()
    optimizer = (by or factory.recipe.optimizer)(list(network.parameters()), LEARNING_RATE)
    inputs, labels = dataset.inputs, dataset.labels

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for rows in torch.randperm(len(labels)).split(training.batch_size):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(network(inputs[rows]), labels[rows])
                loss.backward()
                optimizer.step()

    return train


Stacked = Callable[[Mapping[str, Tensor], Tensor], Tensor]
"""Logits (K, B, C) of K networks for inputs (K, B, ...), by their stacked parameters."""


def matrix_products(network: nn.Sequential) -> Stacked:
    """Batched matrix products, for a sequence of linear layers and functions of single values."""

    def logits(parameters: Mapping[str, Tensor], inputs: Tensor) -> Tensor:
        values = inputs
        for name, layer in network.named_children():
            if isinstance(layer, nn.Linear):
                weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
                values = torch.baddbmm(bias[:, None], values, weight.transpose(1, 2))
            elif not isinstance(layer, nn.Flatten):
                values = layer(values)
        return values

    return logits


def mapped(network: nn.Module) -> Stacked:
    """The network itself, mapped over stacked parameters."""
    return torch.func.vmap(
        lambda parameters, inputs: torch.func.functional_call(network, parameters, (inputs,))
    )


def stacked_epochs(
    case: Case, training: Training, stack: Callable[[nn.Sequential], Stacked]
) -> Callable[[int], None]:
    """A function that trains two perceptrons in lockstep for so many epochs in plain PyTorch."""
    dataset, factory = case.prepare(training)
    networks = [case.build().train() for _ in range(2)]
    tensors, _ = torch.func.stack_module_state(networks)
    parameters = {name: nn.Parameter(tensor.detach()) for name, tensor in tensors.items()}
    optimizer = factory.recipe.optimizer(list(parameters.values()), LEARNING_RATE)
    assert isinstance(networks[0], nn.Sequential)  # a perceptron
    logits_of = stack(networks[0])
    inputs, labels = dataset.inputs, dataset.labels

    def train(epochs: int) -> None:
        for _ in range(epochs):
            orders = [torch.randperm(len(labels)).split(training.batch_size) for _ in networks]
            for rows in map(torch.stack, zip(*orders, strict=True)):
                optimizer.zero_grad()
                logits = logits_of(parameters, inputs[rows]).flatten(0, 1)
                # Of two means the sum, since no network may see the other's batch.
                loss = len(rows) * nn.functional.cross_entropy(logits, labels[rows].flatten())
                loss.backward()
                optimizer.step()

    return train


def report_stacked(name: str, case: Case, options: argparse.Namespace) -> None:
    """Two networks in lockstep, and one of them alone."""
    training = Training(batch_size=options.batch)
    epochs = {
        "bare step": bare_epochs(case, training),
        "stacked": stacked_epochs(case, training, matrix_products),
        "torch.func": stacked_epochs(case, training, mapped),
    }
    seconds = epochs_in_turns(epochs, "bare step", options)
    report(name, seconds, "stacked", "bare step")
    report(name, seconds, "torch.func", "bare step")


def cpu_seconds(action: Callable[[], object]) -> float:
    """CPU time of this process and its threads."""
    start = time.process_time()
    action()
    return time.process_time() - start


def in_turns(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds by way, one number a round; the order turns from round to round."""
    for action in ways.values():
        action()  # warm up
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    order = list(ways)
    for _ in range(rounds):
        for way in order:
            seconds[way].append(cpu_seconds(ways[way]))
        order.append(order.pop(0))
    return seconds


def epochs_in_turns(
    epochs: Mapping[str, Callable[[int], None]], shortest: str, options: argparse.Namespace
) -> dict[str, list[float]]:
    """CPU seconds by way, each of as many epochs as make a turn of ``shortest`` long enough."""
    epochs[shortest](1)  # warm up
    count = max(1, round(options.seconds / cpu_seconds(lambda: epochs[shortest](1))))
    ways = {way: lambda train=train: train(count) for way, train in epochs.items()}
    return in_turns(ways, options.rounds)


def report(what: str, seconds: Mapping[str, list[float]], way: str, other: str) -> None:
    """Print a line: one way's time divided by another's."""
    ratios = [a / b for a, b in zip(seconds[way], seconds[other], strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(f"{what:<40}{f'{way} / {other}':<26}{middle:>6.3f}   {low:.3f} to {high:.3f}")


def report_steps(name: str, case: Case, options: argparse.Namespace) -> None:
    """Steps of the trainer, dense and masked, and of plain PyTorch."""
    training = Training(batch_size=options.batch)
    epochs = {
        "bare step": bare_epochs(case, training),
        "default Adam": bare_epochs(case, training, by=torch.optim.Adam),
        "trainer": trainer_epochs(*trained_part(case, training, density=1)),
        "masked": trainer_epochs(*trained_part(case, training, density=options.density)),
    }
    seconds = epochs_in_turns(epochs, "bare step", options)
    seconds["dense step"] = seconds["trainer"]
    report(name, seconds, "trainer", "bare step")
    report(name, seconds, "trainer", "default Adam")
    report(name, seconds, "masked", "dense step")


def report_update(name: str, case: Case, options: argparse.Namespace) -> None:
    """A topology update, and a step on a batch of all samples."""
    training = Training(batch_size=case.members)
    trainer, state = trained_part(case, training, density=0.05)
    gradients: dict[str, Tensor] = {}

    def take_gradients() -> None:
        gradients.update(trainer.dense_gradients(state, batches=1))

    def evolve() -> None:
        assert state.topology is not None  # of density 0.05
        update = update_topology(
            {name: weight.detach() for name, weight in state.weights.items()},
            state.topology,
            prune=UPDATE[0],
            grow=UPDATE[1],
            fraction=state.settings.update_fraction,
            gradients=gradients,
            generator=torch.Generator(),
        )
        state.apply_update(update)

    def train() -> None:
        until = state.epoch + 1
        trainer.train(state, until=until, topology_schedule=None, what="the network")

    ways = {"gradients": take_gradients, "update": evolve, "step": train}
    seconds = in_turns(ways, max(2, options.rounds // 10))
    report(name, seconds, "update", "step")
    report(name, seconds, "gradients", "step")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--density", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=100, help="of steps; of updates a tenth")
    parser.add_argument("--seconds", type=float, default=0.03, help="of a way in a round, at least")
    parser.add_argument("--only", default="", help="networks whose name begins so")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {options.threads} threads")
    with reproducible(options.threads):
        for name, case in STEP_CASES.items():
            if name.startswith(options.only):
                report_steps(name, case, options)
        for name, case in STACKED.items():
            if name.startswith(options.only):
                report_stacked(name, case, options)
        if "vgg16, density 0.05".startswith(options.only):
            report_update("vgg16, density 0.05", VGG, options)


if __name__ == "__main__":
    main()
