"""Sharpness of the loss: the largest eigenvalue of its Hessian."""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vjp
from torch.nn.attention import SDPBackend, sdpa_kernel

from safecompress_core.toolkit import (
    Classifier,
    Estimate,
    Metric,
    MetricTrial,
    Problem,
    Subject,
    in_eval_mode,
)
from safecompress_plugins.metrics.manifest import SharpnessParams

__all__ = [
    "Sharpness",
    "available_memory",
    "hessian_product",
    "memory_of_product",
    "top_eigenvalue",
]

# S samples · P active parameters

MIB = 2**20
CHUNK = 64
"""Samples whose activations are held at a time."""
VECTORS = 10
"""Vectors of all parameters at a time: the network, direction, product, gradients, their graph."""
PASSES = 4
"""Copies of an activation: forward, backward, and both once more."""

Product = Callable[[Tensor], Tensor]


class Sharpness(Metric):
    """Largest eigenvalue of the Hessian of the mean cross-entropy on members.

    It is that of the active weights: a direction that a topology excludes is none of the model's.
    The figure is exact for its samples, so its interval has no width.

    Source: Keskar et al. 2017, "On Large-Batch Training for Deep Learning", section 2.2.1, for
    sharpness; Yao et al. 2020, "PyHessian", section 3.1, for power iteration.
    """

    def __init__(self, params: SharpnessParams) -> None:
        self._params = params

    def check(self, trial: MetricTrial) -> Iterator[Problem]:
        """A product with the Hessian has to fit into memory."""
        inputs = trial.dataset.inputs
        needed = memory_of_product(trial.network, inputs[torch.tensor([0])], self._params.samples)
        limit = available_memory() if self._params.memory is None else self._params.memory * MIB
        if limit is not None and needed > limit:
            count = sum(parameter.numel() for parameter in trial.network.parameters())
            message = (
                f"a product with the Hessian of {count:,} parameters takes about "
                f"{needed / MIB:,.0f} MiB, and there are {limit / MIB:,.0f}"
            )
            field = ("type",) if self._params.memory is None else ("memory",)
            yield Problem(field, message, "take the metric out, or give the run more memory")

    def measure(self, subject: Subject) -> Estimate:
        """Return the eigenvalue of some members of the pool, the first ones."""
        seen = subject.asked.seen
        rows = torch.arange(min(self._params.samples, len(subject.asked.pool.members)))
        members = seen.take(rows)
        network = subject.network.inside
        with in_eval_mode(network):
            product, size = hessian_product(network, members.inputs, members.labels)
            value = top_eigenvalue(
                product,
                size,
                iterations=self._params.iterations,
                tolerance=self._params.tolerance,
                generator=subject.seed.torch(),
                device=network.device,
            )
        return Estimate.exact(value)


def top_eigenvalue(
    product: Product,
    size: int,
    *,
    iterations: int,
    tolerance: float,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
) -> float:
    """Return the largest eigenvalue of a symmetric matrix by power iteration.

    Where the eigenvalue of the largest magnitude is negative, the matrix is shifted by it and
    iterated again, since the largest one is asked for.

    Args:
        product: the matrix times a vector, (P,).
        size: P.
        iterations: the most products of one power iteration.
        tolerance: relative change of the estimate at which it ends.
        generator: of the first direction.
        device: of the vectors.
    """
    start = torch.randn(size, generator=generator).to(device)

    def iterate(multiply: Product) -> float:
        direction, value = start / start.norm(), 0.0
        for _ in range(iterations):
            image = multiply(direction)
            before, value = value, float(direction @ image)
            norm = float(image.norm())
            if norm == 0:
                return 0.0
            direction = image / norm
            if abs(value - before) <= tolerance * abs(value):
                break
        return value

    value = iterate(product)
    if value >= 0:
        return value
    return value + iterate(lambda vector: product(vector) - value * vector)


def hessian_product(network: Classifier, inputs: Tensor, labels: Tensor) -> tuple[Product, int]:
    """Return the Hessian's product with a vector of the active parameters, and their number."""
    parameters = {name: p.detach() for name, p in network.module.named_parameters()}
    buffers = dict(network.module.named_buffers())
    masks = {name: network.masks[name].to(network.device) for name in network.masks}
    shapes = {name: parameter.shape for name, parameter in parameters.items()}
    active = torch.cat(
        [
            masks.get(name, torch.ones(shape, dtype=torch.bool, device=network.device)).flatten()
            for name, shape in shapes.items()
        ]
    )
    rows = torch.arange(len(labels)).split(CHUNK)

    def loss(values: Mapping[str, Tensor], chunk: Tensor) -> Tensor:
        batch, truth = inputs[chunk].to(network.device), labels[chunk].to(network.device)
        logits = functional_call(network.module, {**values, **buffers}, (batch,))
        return nn.functional.cross_entropy(logits, truth, reduction="sum") / len(labels)

    def product(vector: Tensor) -> Tensor:
        full = torch.zeros(len(active), device=vector.device, dtype=vector.dtype)
        full[active] = vector
        pieces = full.split([prod(shape) for shape in shapes.values()])
        direction = {
            name: piece.reshape(shape)
            for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
        }
        total = torch.zeros_like(full)
        for chunk in rows:
            # Reverse over reverse: the Hessian is symmetric, and more layers support it.
            # Fused attention has no second derivative.
            with sdpa_kernel(SDPBackend.MATH):
                image = vjp(partial(_gradient, loss, chunk), parameters)[1](direction)[0]
            total += torch.cat([image[name].flatten() for name in shapes])
        return total[active]

    return product, int(active.sum())


def _gradient(
    loss: Callable[[Mapping[str, Tensor], Tensor], Tensor],
    chunk: Tensor,
    values: Mapping[str, Tensor],
) -> Any:
    return grad(loss)(values, chunk)


def memory_of_product(network: Classifier, sample: Tensor, samples: int) -> int:
    """Return about how many bytes a product with the Hessian takes.

    Args:
        network: in any state.
        sample: one of its inputs, shape (1, ...).
        samples: how many are measured.
    """
    activations: list[int] = []

    def count(_: nn.Module, __: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            activations.append(output.numel() * output.element_size())

    leaves = [module for module in network.modules() if not list(module.children())]
    handles = [leaf.register_forward_hook(count) for leaf in leaves]
    try:
        with torch.no_grad(), in_eval_mode(network):
            network(sample.to(network.device))
    finally:
        for handle in handles:
            handle.remove()
    parameters = sum(p.numel() * p.element_size() for p in network.parameters())
    return VECTORS * parameters + PASSES * min(CHUNK, samples) * sum(activations)


def available_memory() -> int | None:
    """Return the bytes that the machine has left; None where it does not say."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in text.splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        names = ("SC_PHYS_PAGES", "SC_PAGE_SIZE")
        known = all(name in os.sysconf_names for name in names)
        return prod(map(os.sysconf, names)) if known else None
