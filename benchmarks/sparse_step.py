"""What masking costs a training step, against a dense step and against other ways to mask.

All ways train the same perceptron on the same batch, in turns within one process, so that whatever
else the machine does falls on each of them alike. The table shows the median over rounds of each
way's time divided by the dense step's time in the same round: 1.00 is free.

    python benchmarks/sparse_step.py [--device cuda] [--hidden 512 512 512] [--batch 64]
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.optim import SGD, Adam, Optimizer

from safecompress_core.sparse.masking import SparseBinding
from safecompress_core.sparse.topology import Topology

INPUTS, CLASSES = 784, 10
OPTIMIZERS: dict[str, Callable[[Iterator[nn.Parameter]], Optimizer]] = {
    "sgd, momentum": lambda parameters: SGD(parameters, lr=1e-3, momentum=0.9),
    "adam": lambda parameters: Adam(parameters, lr=1e-4),
}
Masker = Callable[[nn.Module, Optimizer, Topology], None]


def perceptron(hidden: list[int]) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    widths = [INPUTS, *hidden, CLASSES]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def weights_of(network: nn.Module) -> dict[str, nn.Parameter]:
    """The weight matrices by name."""
    return {name: p for name, p in network.named_parameters() if name.endswith("weight")}


def leave_dense(_: nn.Module, __: Optimizer, ___: Topology) -> None:
    """No mask at all: the yardstick."""


def bind(network: nn.Module, optimizer: Optimizer, topology: Topology) -> None:
    """SafeCompress: float masks and one multi-tensor call after each step."""
    SparseBinding(optimizer, weights_of(network), topology)


def loop(network: nn.Module, optimizer: Optimizer, topology: Topology) -> None:
    """The plain way: a Python loop that multiplies weights and moments one by one."""
    parameters = weights_of(network)
    factors = topology.floats_like(parameters)

    @torch.no_grad()
    def zero(*_: object) -> None:
        for name, parameter in parameters.items():
            parameter.mul_(factors[name])
            for value in optimizer.state[parameter].values():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    value.mul_(factors[name])

    optimizer.register_step_post_hook(zero)


def reparametrise(network: nn.Module, _: Optimizer, topology: Topology) -> None:
    """torch.nn.utils.prune: the weight is made from weight and mask in every forward pass."""
    for name, mask in topology.masks.items():
        prune.custom_from_mask(network.get_submodule(name.rpartition(".")[0]), "weight", mask)


WAYS: dict[str, Masker] = {
    "dense": leave_dense,
    "SparseBinding": bind,
    "loop over layers": loop,
    "torch.nn.utils.prune": reparametrise,
}


def stepper(
    network: nn.Module, optimizer: Optimizer, inputs: Tensor, labels: Tensor
) -> Callable[[int], float]:
    """A function that trains so many steps and returns seconds a step."""

    def seconds(steps: int) -> float:
        if inputs.is_cuda:
            torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(inputs), labels).backward()
            optimizer.step()
        if inputs.is_cuda:
            torch.cuda.synchronize()
        return (time.perf_counter() - start) / steps

    return seconds


def ratios(optimizer: str, options: argparse.Namespace) -> dict[str, list[float]]:
    """Each way's time over the dense time, a number a round."""
    torch.manual_seed(0)
    network = perceptron(options.hidden).to(options.device)
    inputs = torch.randn(options.batch, INPUTS, device=options.device)
    labels = torch.randint(CLASSES, (options.batch,), device=options.device)
    topology = Topology.from_masks(
        {
            name: torch.rand(weight.shape) < options.density
            for name, weight in weights_of(network).items()
        }
    )
    steppers = {}
    for way, mask in WAYS.items():
        own = copy.deepcopy(network)
        own_optimizer = OPTIMIZERS[optimizer](own.parameters())
        mask(own, own_optimizer, topology)
        steppers[way] = stepper(own, own_optimizer, inputs, labels)
        steppers[way](options.steps)  # warm up
    found: dict[str, list[float]] = {way: [] for way in steppers}
    for _ in range(options.rounds):
        seconds = {way: step(options.steps) for way, step in steppers.items()}
        for way, value in seconds.items():
            found[way].append(value / seconds["dense"])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--hidden", type=int, nargs="+", default=[512, 512, 512])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--density", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()

    print(f"{'optimizer':<15}{'way':<22}{'time / dense':>13}   quartiles")
    for optimizer in OPTIMIZERS:
        for way, values in ratios(optimizer, options).items():
            low, middle, high = statistics.quantiles(values, n=4)
            print(f"{optimizer:<15}{way:<22}{middle:>13.2f}   {low:.2f} to {high:.2f}")


if __name__ == "__main__":
    main()
