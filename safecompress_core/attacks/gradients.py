"""The gradient that each sample alone would give, all of them in one pass.

- ``vmap`` of ``grad``: one call a chunk of samples; backward stops at the layer that was asked for.
- Chunks, since backward keeps the activations of every sample, and a layer's gradients may be a
  thousand times as large; a weight that does not exist is left out of each chunk, so that the whole
  is never larger than it must be.
- Masks, not zeros, say which weights exist: an inactive weight is 0, its gradient is not.
"""

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from safecompress_core.errors import TopologyError
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.layer_shapes import factor_names_to_layer

__all__ = ["layer_parameters", "per_sample_gradients"]

# N samples · A active coordinates of a layer

CHUNK = 2**24
"""Gradient values in memory at a time: 64 MiB in single precision."""


def layer_parameters(network: Classifier, layer: str) -> dict[str, nn.Parameter]:
    """The parameters that a name stands for: one itself, or all below a module of that name.

    Of a layer that is made of two, the name of the one's weight stands for the weights of both.

    Raises:
        TopologyError: if the network has neither; the message lists its parameters.
    """
    parameters = dict(network.module.named_parameters())
    # A factorised layer is addressed by the name that it had before it was split.
    before = factor_names_to_layer(network.module)
    named = {
        name: parameter
        for name, parameter in parameters.items()
        # The dot matters: 'fc1' must not include 'fc10'.
        if layer in (name, before.get(name)) or name.startswith(f"{layer}.")
    }
    if not named:
        raise TopologyError(
            f"the model has no parameter and no module {layer!r}; "
            f"its parameters are: {', '.join(parameters)}"
        )
    return named


def per_sample_gradients(
    network: Classifier, inputs: Tensor, labels: Tensor, *, layer: str, batch_size: int = 64
) -> Tensor:
    """Each sample's gradient of cross-entropy with respect to a layer, shape (N, A).

    Columns are the layer's parameters in their order, each flattened; coordinates that the
    network's masks leave out are left out here. Samples are run one by one in effect, so the
    network has to be in eval mode: batch statistics would mix them.

    Args:
        network: where its parameters are, there is computed, and in their type.
        inputs: shape (N, ...), plain samples.
        labels: shape (N,), int64.
        layer: a parameter or a module, see :func:`layer_parameters`.
        batch_size: samples at a time, at most; fewer where the layer is large.

    Raises:
        TopologyError: if the network has no such layer.
    """
    chosen = {
        # Detached: `grad` of torch.func differentiates its argument and needs no graph of the
        # module.
        name: parameter.detach()
        for name, parameter in layer_parameters(network, layer).items()
    }
    # Only the chosen layer is an argument of `loss_of`, so backward stops there.
    fixed = {
        name: tensor for name, tensor in network.state().items() if name not in chosen
    }  # parameters and buffers
    # Indices once, instead of a boolean selection in each chunk.
    active = {
        name: network.masks[name].flatten().nonzero()[:, 0].to(parameter.device)
        for name, parameter in chosen.items()
        if name in network.masks
    }

    def loss_of(weights: dict[str, Tensor], sample: Tensor, label: Tensor) -> Tensor:
        # vmap removes the batch dimension, which the network expects.
        logits: Tensor = functional_call(network.module, {**fixed, **weights}, (sample[None],))
        return F.cross_entropy(logits, label[None])

    vectorised = vmap(grad(loss_of), in_dims=(None, 0, 0))
    size = sum(parameter.numel() for parameter in chosen.values())
    # Bounded by memory, not by batch size: one sample of a wide layer may fill a chunk.
    chunk = max(1, min(batch_size, CHUNK // size))
    device = next(iter(chosen.values())).device
    rows: list[Tensor] = []
    for batch, answers in zip(inputs.split(chunk), labels.split(chunk), strict=True):
        gradients = vectorised(chosen, batch.to(device), answers.to(device))
        columns = [
            gradient.flatten(1)[:, active[name]] if name in active else gradient.flatten(1)
            for name, gradient in gradients.items()
        ]
        # Moved to the CPU chunk by chunk, since all rows may not fit on the device.
        rows.append(torch.cat(columns, dim=1).cpu())
    return torch.cat(rows)
