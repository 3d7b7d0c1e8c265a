"""Gradients of a loss with respect to the weights, and their change with the weights."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from safecompress_core.networks.classifier import Classifier
from safecompress_core.sparse.strategy import LossGradients
from safecompress_core.training.data_parallel import ALONE, DataParallel
from safecompress_core.training.defence import Batch

__all__ = ["loss_gradients"]


def loss_gradients(
    network: Classifier,
    batches: Sequence[Batch],
    *,
    curvature: bool,
    group: DataParallel = ALONE,
) -> LossGradients:
    """Slopes of the mean cross-entropy over all samples of some batches, at the current weights.

    Args:
        network: dense; its mode decides about dropout and batch statistics.
        batches: samples with their labels.
        curvature: whether H·g is wanted too, which costs a second pass, forward and twice backward.
        group: the processes that divide each batch among them; the mean is over whole batches.

    Returns:
        Tensors of the shapes of ``network.sparse_parameters()``, detached.
    """
    # Pairs are split once: torch.autograd.grad takes and returns sequences.
    names, weights = zip(*network.sparse_parameters().items(), strict=True)
    gradients = _mean(network, batches, weights, along=None, group=group)
    if not curvature:
        return LossGradients(gradients=dict(zip(names, gradients, strict=True)))
    with sdpa_kernel(SDPBackend.MATH):  # fused attention has no second derivative
        products = _mean(network, batches, weights, along=gradients, group=group)
    return LossGradients(
        gradients=dict(zip(names, gradients, strict=True)),
        curvature=dict(zip(names, products, strict=True)),
    )


def _mean(
    network: Classifier,
    batches: Iterable[Batch],
    weights: Sequence[nn.Parameter],
    *,
    along: Sequence[Tensor] | None,
    group: DataParallel,
) -> list[Tensor]:
    """The gradient of the mean loss; given a direction v, that of ⟨gradient, v⟩, which is H·v."""
    # Summed and divided at the end: the last batch may be smaller.
    total = [torch.zeros_like(weight) for weight in weights]
    seen = 0.0
    for whole in batches:
        samples = len(whole.labels)
        batch, copies = whole.part(*group.bounds(samples)), group.copies(samples)
        loss = batch.cross_entropy(network(batch.inputs)).sum() / copies
        # The graph of the gradient is needed only for a second derivative.
        gradients = torch.autograd.grad(loss, weights, create_graph=along is not None)
        if along is not None:
            # H·v = ∇⟨g, v⟩ (Pearlmutter 1994): one more backward pass instead of the Hessian.
            slope = torch.stack(
                [(gradient * v).sum() for gradient, v in zip(gradients, along, strict=True)]
            )
            gradients = torch.autograd.grad(slope.sum(), weights)
        # One kernel for all layers.
        torch._foreach_add_(total, gradients)
        seen += len(batch.labels) / copies
    group.sum_gradients(total, share=1.0)
    count = round(float(group.sum(torch.tensor(seen, dtype=torch.float64))))
    return [sum_.detach() / count for sum_ in total]
