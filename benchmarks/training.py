"""What precision, memory layout and threads make of a training step, for each kind of model.

All ways train the same network on the same batch through the trainer itself, in turns within one
process, so that whatever else the machine does falls on each of them alike. The table shows the
median over rounds of float32's time divided by each way's: 2.00 is twice as fast.

    python benchmarks/training.py [--threads 2] [--compile] [--only vgg16]
"""

import argparse
import importlib
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import nn

from safecompress_core.data.dataset import Dataset
from safecompress_core.host import load_plugins
from safecompress_core.networks.classifier import Classifier, ModelFactory
from safecompress_core.networks.cost import macs
from safecompress_core.results.environment import reproducible
from safecompress_core.seeding import Seed
from safecompress_core.specfile.models.run_spec import Training
from safecompress_core.training.precision import PLAIN, Precision, choose_precision
from safecompress_core.training.settings import Settings
from safecompress_core.training.trainer import Trainer
from safecompress_core.training.training_state import TrainingState

CPU, CLASSES = torch.device("cpu"), 10
WAYS: dict[str, Precision] = {
    "float32": PLAIN,
    "float32, channels last": Precision(channels_last=True),
    "bfloat16": Precision(dtype=torch.bfloat16),
    "bfloat16, channels last": Precision(dtype=torch.bfloat16, channels_last=True),
}


class Reader(nn.Module):
    """A small text encoder: tokens ▸ layers of attention ▸ mean ▸ logits."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1000, width)
        layer = nn.TransformerEncoderLayer(width, width // 32, 4 * width, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits."""
        logits: torch.Tensor = self.head(self.encoder(self.embedding(tokens)).mean(dim=1))
        return logits


MODELS: Mapping[str, tuple[str, Mapping[str, object], tuple[int, ...]]] = {
    "mlp 64-256-128-10": ("mlp", {"hidden": [256, 128]}, (64,)),
    "mlp 600-1024-512-256-10": ("mlp", {"hidden": [1024, 512, 256]}, (600,)),
    "lenet, 1x28x28": ("lenet", {}, (1, 28, 28)),
    "vgg16, a quarter as wide, 3x32x32": ("vgg16", {"width": 0.25}, (3, 32, 32)),
    "resnet18, 3x32x32": ("resnet18", {}, (3, 32, 32)),
    "encoder, 2 layers of 256, 64 tokens": ("", {}, (64,)),
}


def module_of(name: str) -> nn.Module:
    """A fresh network, always the same."""
    kind, params, shape = MODELS[name]
    if not kind:
        with torch.random.fork_rng():
            torch.manual_seed(18)
            return Reader(256, 2)
    registry = load_plugins().registry
    definition = next(one for one in registry if (one.kind, one.name) == ("model", kind))
    module, _, factory = definition.target.partition(":")
    built: ModelFactory = getattr(importlib.import_module(module), factory)(
        definition.params.model_validate(dict(params))
    )
    generator = torch.Generator().manual_seed(18)
    return built.build(input_shape=shape, classes=CLASSES, generator=generator)


def samples(name: str, count: int) -> Dataset:
    """Noise of the right shape."""
    kind, _, shape = MODELS[name]
    generator = torch.Generator().manual_seed(19)
    inputs = torch.rand(count, *shape, generator=generator)
    return Dataset(
        inputs=inputs if kind else (inputs * 1000).long(),
        labels=torch.arange(count) % CLASSES,
        classes=tuple("0123456789"),
        attributes={},
    )


def runner(name: str, precision: Precision, dataset: Dataset) -> tuple[Trainer, TrainingState]:
    """A learner, and a trainer whose epochs are of a single batch."""
    network = Classifier(module_of(name))
    precision.apply_memory_format(network)
    state = TrainingState(
        network,
        None,
        Settings(learning_rate=1e-4, density=1.0, update_fraction=0, rule=0, defences={}),
        make_optimizer=lambda parameters, rate: torch.optim.Adam(parameters, lr=rate),
        make_defence=lambda *_: (_ for _ in ()).throw(AssertionError),
    )
    count = len(dataset)
    trainer = Trainer(
        dataset,
        torch.arange(count),
        batch_size=count,
        device=CPU,
        seed=Seed(1),
        precision=precision,
    )
    return trainer, state


def timed(trainer: Trainer, state: TrainingState, steps: int) -> float:
    """Seconds of one step."""
    start = time.perf_counter()
    trainer.train(state, until=state.epoch + steps, topology_schedule=None, what="it")
    return (time.perf_counter() - start) / steps


def measure(
    name: str, ways: Mapping[str, Precision], *, batch: int, rounds: int
) -> dict[str, list[float]]:
    """Seconds of a step by way, one number a round; the order turns from round to round."""
    dataset = samples(name, batch)
    runners = {way: runner(name, precision, dataset) for way, precision in ways.items()}
    steps = {way: max(1, round(0.2 / timed(*pair, 3))) for way, pair in runners.items()}
    found: dict[str, list[float]] = {way: [] for way in ways}
    order = list(ways)
    for _ in range(rounds):
        for way in order:
            found[way].append(timed(*runners[way], steps[way]))
        order.append(order.pop(0))
    return found


def report(name: str, found: Mapping[str, Sequence[float]], *, batch: int) -> None:
    """One line a way."""
    network, dataset = Classifier(module_of(name)), samples(name, 1)
    work = macs(network, dataset.inputs[torch.tensor([0])])
    auto = choose_precision(Training(), network, dataset.inputs[torch.tensor([0])], CPU)
    print(f"\n{name}: {work / 1e6:.2f} million multiplications a sample, {batch} samples")
    for way, seconds in found.items():
        ratios = [one / other for one, other in zip(found["float32"], seconds, strict=True)]
        mark = "  ◀ auto" if WAYS.get(way) == auto else ""
        print(
            f"  {way:26} {statistics.median(seconds) * 1e3:9.2f} ms "
            f"{statistics.median(ratios):6.2f}×{mark}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--compile", action="store_true", help="also compiled; takes minutes")
    parser.add_argument("--only", default="", help="models whose name begins so")
    options = parser.parse_args()
    ways = dict(WAYS)
    if options.compile:
        ways |= {f"{way}, compiled": replace(one, compile=True) for way, one in WAYS.items()}
    print(f"torch {torch.__version__}, {options.threads} threads")
    with reproducible(options.threads):
        for name in MODELS:
            if name.startswith(options.only):
                found = measure(name, ways, batch=options.batch, rounds=options.rounds)
                report(name, found, batch=options.batch)


if __name__ == "__main__":
    main()
