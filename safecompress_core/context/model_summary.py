"""Layers of a spec's network: possible representations and sparse weights."""

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from safecompress_core.context.run_context import RunContext

__all__ = ["summarise_model"]


def summarise_model(run_context: RunContext) -> dict[str, Any]:
    """Modules with the shape of what they put out for a sample, and weights, JSON-ready.

    ``representations`` are the modules that ``task.representation`` may name.
    """
    network = run_context.create_network().eval()
    shapes: dict[str, list[int]] = {}

    def watch(name: str, module: nn.Module) -> Any:
        def note(_module: nn.Module, _inputs: Any, output: Any) -> None:
            # Some modules return tuples; the first part is their main output.
            first = output[0] if isinstance(output, tuple) else output
            # One value a sample is no representation.
            if isinstance(first, Tensor) and first.ndim > 1:
                shapes[name] = list(first.shape[1:])

        return module.register_forward_hook(note)

    # Hooks are removed even if the forward pass fails.
    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.module.named_modules():
            # The empty name is the network itself.
            if name:
                hooks.callback(watch(name, module).remove)
        sample = run_context.sample.to(next(network.parameters()).device)
        seen = network.forward_with_representation(sample)
    modules = dict(network.module.named_modules())
    sparse = network.sparse_parameters()
    total = sum(parameter.numel() for parameter in network.parameters())
    return {
        "model": run_context.spec.task.model.model_dump(mode="json"),
        "input_shape": list(sample.shape[1:]),
        "outputs": seen.logits.shape[1],
        "representation": network.width,
        # By identity: the classifier finds its head by a forward pass, not by name.
        "head": next(name for name, layer in modules.items() if layer is network.head),
        "representations": [
            {"name": name, "layer": type(modules[name]).__name__, "shape": shape}
            for name, shape in shapes.items()
        ],
        "sparse": [
            {"name": name, "shape": list(weight.shape), "weights": weight.numel()}
            for name, weight in sparse.items()
        ],
        "sparse_weights": sum(weight.numel() for weight in sparse.values()),
        "parameters": total,
    }
