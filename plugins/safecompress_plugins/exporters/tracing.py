"""Networks traced by torch.export, with an error that names the layer that cannot be."""

import logging
import traceback
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import fx, nn
from torch.export import Dim, ExportedProgram

from safecompress_core.toolkit import ExportError, ExportSource

__all__ = ["quiet_exporters", "trace", "unknown_operator"]

MOST_TEXT = 200


@contextmanager
def quiet_exporters() -> Iterator[None]:
    """Keep torch's exporters from warning of their own deprecated or missing parts."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)


def trace(source: ExportSource, *, batch: Dim | Any = Dim.DYNAMIC) -> ExportedProgram:
    """Trace the model as a user asks it, for batches of any size.

    Args:
        source: the model.
        batch: the first dimension, as torch.export takes it.

    Raises:
        ExportError: if what a layer does depends on its values, or is no operator of torch.
    """
    entered: list[str] = []

    def leave(*_: object) -> None:
        # Nothing is returned: that would replace the layer's output.
        entered.pop()

    with ExitStack() as hooks, quiet_exporters():
        for name, layer in source.network.named_modules():
            handles = (
                layer.register_forward_pre_hook(lambda *_, name=name: entered.append(name)),
                layer.register_forward_hook(leave),
            )
            for handle in handles:
                hooks.callback(handle.remove)
        try:
            return torch.export.export(
                source.network, (source.examples,), dynamic_shapes=({0: batch},), strict=False
            )
        except Exception as error:  # torch raises errors of many kinds
            # A layer that has failed was entered and not left.
            where = _describe_layer(source.network, entered[-1] if entered else "")
            reason = " ".join(str(error).split())[:MOST_TEXT]
            raise ExportError(f"torch.export cannot trace {where}: {reason}") from error


def unknown_operator(error: Exception, network: nn.Module, *, target: str) -> ExportError:
    """Return the error that names an operator that a format lacks, and its layer.

    Args:
        error: what the converter has raised while it worked on a node of the graph.
        network: that was traced.
        target: the format.
    """
    node = _failing_node(error)
    if node is None:
        reason = " ".join(str(error).split())[:MOST_TEXT]
        return ExportError(f"{target} cannot hold the model: {reason}")
    stack = node.meta.get("nn_module_stack") or {"": ("", None)}
    path, _ = list(stack.values())[-1]
    where = _describe_layer(network, path)
    return ExportError(f"{target} has no operator for {node.target}, which {where} uses")


def _failing_node(error: BaseException) -> fx.Node | None:
    """Return the node of the graph that a converter was at."""
    while error.__cause__ is not None:
        error = error.__cause__
    # Frames instead of messages, whose wording changes between releases.
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        for value in frame.f_locals.values():
            if isinstance(value, fx.Node):
                return value
    return None


def _describe_layer(network: nn.Module, path: str) -> str:
    layers = dict(network.named_modules())
    kind = type(layers[path]).__name__ if path in layers else "a layer"
    return f"{path!r} ({kind})" if path else f"the network itself ({kind})"
