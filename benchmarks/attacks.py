"""What attacks cost: white-box features, training an attack, and every attack on 10,000 records.

Ways to the same end run in one process and are checked against each other, so that the ratios hold
on a busy machine as well. The target is a VGG-16 for 32 × 32 images; the tables say how many
samples were used. An attack sees observations alone, so its cost does not depend on the target: the
last table uses a small one with representations of the same width.

    OMP_NUM_THREADS=1 python benchmarks/attacks.py [--batch 32] [--epochs 100] [--records 5000]
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.api import AttackerDef
from safecompress_core.attacks.adversary import AdversaryKnowledge, Attacker
from safecompress_core.attacks.gradients import per_sample_gradients
from safecompress_core.attacks.observations import last_layer_gradients, observe
from safecompress_core.networks.classifier import Classifier
from safecompress_plugins.attackers.membership.manifest import DEFINITIONS, NeuralBlackboxParams
from safecompress_plugins.attackers.membership.neural_blackbox import NeuralBlackbox

CLASSES, HIDDEN, SHAPE = 10, 512, (3, 32, 32)
VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)
Row = tuple[str, float, float]


def vgg16() -> Classifier:
    """Thirteen convolutions with batch normalisation, 0 stands for pooling, and two linear layers.

    That is the small head which VGG-16 is commonly given for CIFAR-10; 15 million weights.
    """
    layers: list[nn.Module] = []
    channels = SHAPE[0]
    for width in VGG16:
        if width:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        else:
            layers.append(nn.MaxPool2d(2))
    head = [nn.Flatten(), nn.Linear(512, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES)]
    return Classifier(nn.Sequential(*layers, *head)).eval()


def seconds(way: Callable[[], object], *, turns: int = 1) -> float:
    """The fastest of several turns."""
    times = []
    for _ in range(turns):
        start = perf_counter()
        way()
        times.append(perf_counter() - start)
    return min(times)


def feature_rows(network: Classifier, inputs: Tensor, labels: Tensor) -> Iterator[Row]:
    """Last-layer gradients of a batch: seconds, and how many times the closed form that is."""
    weight = network.head.weight
    name = next(key for key, one in network.module.named_parameters() if one is weight)

    def closed_form() -> Tensor:
        with torch.no_grad():
            logits, hidden = network.represent(inputs)
            return last_layer_gradients(logits.softmax(dim=1), hidden, labels)

    def vectorised() -> Tensor:
        return per_sample_gradients(network, inputs, labels, layer=name).view(-1, *weight.shape)

    def alone() -> Tensor:
        rows = []
        for sample, label in zip(inputs, labels, strict=True):
            network.zero_grad()
            F.cross_entropy(network(sample[None]), label[None]).backward()
            assert weight.grad is not None
            rows.append(weight.grad.clone())
        return torch.stack(rows)

    def through_the_batch() -> Tensor:
        """As the published code of white-box attacks does it: one graph, a backward a sample."""
        rows = []
        for loss in F.cross_entropy(network(inputs), labels, reduction="none"):
            network.zero_grad()
            loss.backward(retain_graph=True)
            assert weight.grad is not None
            rows.append(weight.grad.clone())
        return torch.stack(rows)

    with torch.no_grad():
        logits, hidden = network.represent(inputs)
        posteriors = logits.softmax(dim=1)
    expected = closed_form()
    for way in (vectorised, alone):
        torch.testing.assert_close(way(), expected, rtol=1e-3, atol=1e-5)
    seen = seconds(lambda: last_layer_gradients(posteriors, hidden, labels), turns=5)
    ours = seconds(closed_form, turns=5)
    yield "closed form, on top of what was observed", seen, seen / ours
    yield "closed form, forward pass included", ours, 1.0
    for label, way, turns in (
        ("torch.func, forward pass included", vectorised, 3),
        ("backward loop, each sample alone", alone, 2),
        ("backward loop through the batch's graph", through_the_batch, 1),
    ):
        took = seconds(way, turns=turns)
        yield label, took, took / ours


def training_rows(
    network: Classifier, inputs: Tensor, labels: Tensor, *, epochs: int
) -> Iterator[Row]:
    """Training ``neural-blackbox``: seconds, and how many times ours that is."""
    params = NeuralBlackboxParams(epochs=epochs)
    is_member = torch.arange(len(labels)) % 2 == 0

    def observed_once() -> None:
        known = AdversaryKnowledge(seen=observe(network, inputs, labels), truth=is_member, values=2)
        NeuralBlackbox(params).fit(known, generator=torch.Generator().manual_seed(0))

    known = AdversaryKnowledge(seen=observe(network, inputs, labels), truth=is_member, values=2)

    def forwarded_each_epoch() -> None:
        generator = torch.Generator().manual_seed(0)
        attacker = NeuralBlackbox(NeuralBlackboxParams(epochs=1, adapt_epochs=1))
        for _ in range(epochs):
            with torch.no_grad():
                network(inputs)
            attacker.adapt(known, generator=generator)  # one epoch, the first one included

    ours = seconds(observed_once, turns=2)
    theirs = seconds(forwarded_each_epoch)
    yield "observed once", ours, 1.0
    yield "target run again in each epoch", theirs, theirs / ours


def built(definition: AttackerDef) -> Attacker:
    """An attacker with the parameters that it has by default."""
    module, _, name = definition.target.partition(":")
    attacker: Attacker = getattr(import_module(module), name)(definition.params())
    return attacker


def attack_rows(records: int, *, budget: float) -> Iterator[Row]:
    """Each attack fitted on 40 % of the records and scoring all: seconds, and share of a budget."""
    generator = torch.Generator().manual_seed(18)
    inputs = torch.randn(2 * records, *SHAPE, generator=generator)
    labels = torch.randint(CLASSES, (2 * records,), generator=generator)
    body = (nn.Flatten(), nn.Linear(inputs[0].numel(), HIDDEN), nn.ReLU())
    network = Classifier(nn.Sequential(*body, nn.Linear(HIDDEN, CLASSES)))
    everyone = AdversaryKnowledge(
        seen=observe(network, inputs, labels), truth=torch.arange(2 * records) % 2 == 0, values=2
    )
    first = torch.arange(int(0.8 * records))
    assert everyone.truth is not None
    known = replace(everyone, seen=everyone.seen.take(first), truth=everyone.truth[first])
    total = 0.0
    for definition in DEFINITIONS:
        attacker, start = built(definition), perf_counter()
        attacker.fit(known, generator=torch.Generator().manual_seed(0))
        attacker.score(replace(everyone, truth=None))
        took = perf_counter() - start
        total += took
        yield definition.name, took, took / budget
    yield "all of them", total, total / budget


def table(title: str, ratio: str, rows: Iterator[Row]) -> None:
    """Print rows as they come."""
    print(f"\n{title}\n{'':44}{'seconds':>10}{ratio:>18}")
    for name, took, times in rows:
        print(f"{name:44}{took:>10.4f}{times:>18.3f}", flush=True)


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--records", type=int, default=5000, help="members, and non-members")
    asked = parser.parse_args()

    torch.manual_seed(18)
    network = vgg16()
    inputs = torch.randn(asked.batch, *SHAPE)
    labels = torch.randint(CLASSES, (asked.batch,))
    print(f"threads: {torch.get_num_threads()}, torch {torch.__version__}")
    table(
        f"Last-layer gradients of {asked.batch} samples, VGG-16",
        "× closed form",
        feature_rows(network, inputs, labels),
    )
    table(
        f"neural-blackbox, {asked.epochs} epochs on {asked.batch} samples, VGG-16",
        "× observed once",
        training_rows(network, inputs, labels, epochs=asked.epochs),
    )
    forward = seconds(lambda: observe(network, inputs, labels), turns=3) / asked.batch
    budget = 2 * asked.records * forward + 60
    table(
        f"Fitting on {int(0.8 * asked.records)} and scoring {2 * asked.records} records; "
        f"the budget is one pass of VGG-16 over all, and 60 s: {budget:.0f} s",
        "of the budget",
        attack_rows(asked.records, budget=budget),
    )


if __name__ == "__main__":
    main()
