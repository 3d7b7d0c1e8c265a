"""Quantisation after training: whole numbers for weights, and for inputs of layers if asked for."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from safecompress_core.toolkit import (
    Classifier,
    Finish,
    FinishContext,
    Finisher,
    InputRange,
    PoolError,
    Problem,
    Quantised,
)
from safecompress_plugins.finishers.coding_error import coding_error
from safecompress_plugins.finishers.integer_weights import RangeObserver, int4, int8
from safecompress_plugins.finishers.manifest import QuantizeParams

__all__ = ["Quantize"]

BATCH = 256
"""Samples of a forward pass that estimates ranges."""


class Quantize(Finisher):
    """Quantises the sparsifiable weights and, for static quantisation, what their layers are fed.

    Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", sections 2 and 3.
    """

    def __init__(self, params: QuantizeParams) -> None:
        self._params = params

    def check(self, network: Classifier) -> Iterator[Problem]:
        """Report layers whose inputs cannot be rounded."""
        if not self._params.inputs:
            return
        layers = _layers(network)
        for name in network.sparse_parameters():
            layer = layers[name.rpartition(".")[0]]
            if not isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
                message = f"inputs of {name!r} ({type(layer).__name__}) cannot be rounded"
                yield Problem(("inputs",), message, "write inputs: false")

    def finish(self, context: FinishContext) -> Finish:
        """Return integer weights, and ranges of inputs."""
        bits, group = self._params.bits, self._params.group
        codes: dict[str, Quantised] = {
            name: int8(weight) if bits == 8 else int4(weight, group=group)
            for name, weight in context.weights.items()
        }
        facts: dict[str, Any] = {"bits": bits, "error": coding_error(context.weights, codes)}
        inputs: dict[str, InputRange] = {}
        if self._params.inputs:
            samples = context.calibration[: self._params.calibration]
            if not len(samples):
                raise PoolError(
                    "quantize has no samples to calibrate with: attack-train has no members; write "
                    "inputs: false, or a larger pools.attack_train"
                )
            facts["calibrated_on"] = len(samples)
            inputs = _estimate_ranges(context.network, list(context.weights), samples)
        return Finish(codes=codes, inputs=inputs, facts=facts)


def _layers(network: Classifier) -> dict[str, nn.Module]:
    return dict(network.module.named_modules())


@torch.no_grad()
def _estimate_ranges(
    network: Classifier, weights: list[str], samples: torch.Tensor
) -> dict[str, InputRange]:
    """Return the range of the inputs of each weight's layer, by the layer's name."""
    layers, observers = _layers(network), {}
    with ExitStack() as hooks:
        for name in (weight.rpartition(".")[0] for weight in weights):
            observers[name] = observer = RangeObserver()

            def show(_: nn.Module, fed: tuple[Any, ...], to: RangeObserver = observer) -> None:
                to.show(fed[0])

            hooks.callback(layers[name].register_forward_pre_hook(show).remove)
        for batch in samples.split(BATCH):
            network(batch)
    return {name: observer.range() for name, observer in observers.items()}
