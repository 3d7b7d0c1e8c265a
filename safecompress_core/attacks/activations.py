"""Activations of a layer inside a network, as neurons of each sample."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from safecompress_core.errors import TopologyError
from safecompress_core.networks.classifier import Classifier

__all__ = ["layer_of", "record_activations"]

# N samples · A neurons of a layer


def layer_of(network: Classifier, layer: str) -> nn.Module:
    """The module of a name, or the one that a parameter of that name belongs to.

    Raises:
        TopologyError: if the network has neither.
    """
    modules: dict[str, nn.Module] = dict(network.module.named_modules())
    # A parameter's owner is its name without the last part: 'fc.weight' belongs to 'fc'.
    owner = layer if layer in modules else layer.rpartition(".")[0]
    # Checked apart from the owner: 'fc.scale' would otherwise pass as a parameter of 'fc'.
    if layer not in modules and layer not in dict(network.module.named_parameters()):
        raise TopologyError(f"the model has no module and no parameter {layer!r}")
    return modules[owner]


@contextmanager
def record_activations(network: Classifier, layer: str) -> Iterator[list[Tensor]]:
    """Gathers what a layer puts out in each forward pass: (n, A), float32, on the CPU.

    A neuron is a unit of a linear layer, in the mean over positions where a sample is a sequence,
    (n, positions, units); or a channel, in the mean over an image, (n, channels, ...).

    Raises:
        TopologyError: if the network has no such layer; or, in a forward pass, if the layer puts
            out anything else than a tensor with a row a sample.
    """
    gathered: list[Tensor] = []

    def gather(_module: nn.Module, _inputs: tuple[Any, ...], outputs: Any) -> None:
        if not isinstance(outputs, Tensor) or outputs.ndim < 2:
            raise TopologyError(f"the layer {layer!r} puts out no neurons that could be read")
        # Reduced within the hook, so that whole feature maps are never kept for all samples.
        gathered.append(_neurons(outputs).float().cpu())

    handle = layer_of(network, layer).register_forward_hook(gather)
    try:
        yield gathered
    # A hook left behind by a failed forward pass would record every later one.
    finally:
        handle.remove()


def _neurons(outputs: Tensor) -> Tensor:
    """One number a sample and neuron, shape (n, A)."""
    # An image has its channels in the second dimension, a sequence its positions.
    if outputs.ndim == 3:
        return outputs.mean(dim=1)
    return outputs if outputs.ndim == 2 else outputs.flatten(2).mean(dim=2)
