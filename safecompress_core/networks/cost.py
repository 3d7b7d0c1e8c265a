"""Cost of a forward pass: multiply-accumulates, memory and time.

Multiply-accumulates and memory are counted, so they are the same on every machine; time is
measured, and differs from run to run.
"""

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.weak import WeakIdKeyDictionary

from safecompress_core.networks.classifier import in_eval_mode
from safecompress_core.sparse.topology import Topology

__all__ = ["LatencyRecord", "latency", "macs", "peak_memory"]

_Batch = TypeVar("_Batch")

COUNTED_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers that use each weight once for each position of their output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRecord:
    """Durations of repeated calls.

    Attributes:
        seconds: of each call, in their order.
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median, in seconds."""
        return float(np.median(self.seconds))

    @property
    def p95(self) -> float:
        """The 95th percentile, in seconds."""
        return float(np.quantile(self.seconds, 0.95))


def macs(network: nn.Module, sample: Tensor, *, topology: Topology | None = None) -> int:
    """Count multiply-accumulates of a forward pass in eval mode: matrix products, convolutions.

    Args:
        network: from samples to logits.
        sample: an input, shape (1, ...); of more than one the sum.
        topology: counts only its active weights in linear and convolution layers, what a sparse
            kernel would have to do; weights of other layers count as dense. Its names are those of
            the network's parameters. By default everything counts, what dense kernels do.
    """
    inactive: list[int] = []

    def count_inactive(share: int) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(layer: nn.Module, _: Any, output: Tensor) -> None:
            # Output channels come first in a weight; the rest of the output are its positions.
            channels = layer.weight.shape[0]  # type: ignore[index]
            inactive.append(share * (output.numel() // int(channels)))

        return hook

    counter = FlopCounterMode(display=False)
    # Attention as its two products: kernels that fuse them are counted on some devices only.
    products = sdpa_kernel(SDPBackend.MATH)
    with ExitStack() as hooks, _plain_forward(network), products, counter:
        for layer, left_out in _inactive_weights(network, topology):
            handle = layer.register_forward_hook(count_inactive(left_out))
            hooks.callback(handle.remove)
        network(_to_device_of(network, sample))
    # A multiply-accumulate is two floating-point operations.
    return int(counter.get_total_flops()) // 2 - sum(inactive)


def peak_memory(network: nn.Module, inputs: Tensor) -> int:
    """Return the most bytes that tensors hold at a time in a forward pass in eval mode.

    Parameters, buffers and inputs count throughout, an intermediate result from the operation
    that makes it until nothing refers to it. What an operation needs for itself, such as an
    unfolded input, is not seen.

    Args:
        network: from samples to logits.
        inputs: shape (N, ...).
    """
    # A copy, since a view would count with all of the storage that it is a part of.
    inputs = _to_device_of(network, inputs).clone()
    counter = _LiveBytes()
    counter.add([*network.parameters(), *network.buffers(), inputs])
    with _plain_forward(network), counter:
        network(inputs)
    return counter.peak


def latency(
    function: Callable[[_Batch], object], batch: _Batch, *, repeats: int = 50, warm_up: int = 5
) -> LatencyRecord:
    """Time calls of a function, one after the other.

    Args:
        function: called with the batch; a network, or a session of another runtime.
        batch: its only argument.
        repeats: timed calls, at least 1.
        warm_up: calls before these, which fill caches and choose kernels.

    Raises:
        ValueError: if there is no call to time.
    """
    if repeats < 1:
        raise ValueError(f"at least one call must be timed, not {repeats}")
    is_queued = isinstance(batch, Tensor) and batch.is_cuda
    seconds = []
    for _ in range(warm_up + repeats):
        start = time.perf_counter()
        function(batch)
        # A GPU works through a queue: without this only the queueing would be timed.
        if is_queued:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return LatencyRecord(seconds=tuple(seconds[warm_up:]))


class _LiveBytes(TorchDispatchMode):
    """Bytes of all storages that are alive, and the most there have been."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._live = 0
        # Weak and by identity: views share a storage, and it must be free to go.
        self._known = WeakIdKeyDictionary(ref_type=weakref.ref)

    def add(self, tensors: list[Any]) -> None:
        """Count the storages that are not known yet."""
        for tensor in tensors:
            storage = tensor.untyped_storage()
            if storage in self._known:
                continue
            size = storage.nbytes()
            self._known[storage] = size
            self._live += size
            weakref.finalize(storage, self._release, size)
        self.peak = max(self.peak, self._live)

    def _release(self, size: int) -> None:
        self._live -= size

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        output = func(*args, **kwargs or {})
        self.add([leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor)])
        return output


@contextmanager
def _plain_forward(network: nn.Module) -> Iterator[None]:
    """Eval mode without gradients and without the fused kernel of whole transformer layers.

    The fused kernel is one operation, inside of which nothing could be counted.
    """
    is_fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(value=False)
    try:
        with in_eval_mode(network), torch.no_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(value=is_fused)


def _to_device_of(network: nn.Module, inputs: Tensor) -> Tensor:
    """The inputs on the network's device; as they are for a network without parameters."""
    return next((inputs.to(parameter.device) for parameter in network.parameters()), inputs)


def _inactive_weights(
    network: nn.Module, topology: Topology | None
) -> Iterator[tuple[nn.Module, int]]:
    """Linear and convolution layers with the number of their inactive weights."""
    if topology is None:
        return
    parameters = dict(network.named_parameters())
    # By identity, since a tied weight is used by several layers and named once.
    counts = {
        id(parameters[name]): int((~mask).count_nonzero()) for name, mask in topology.masks.items()
    }
    for layer in network.modules():
        if isinstance(layer, COUNTED_LAYERS) and id(layer.weight) in counts:
            yield layer, counts[id(layer.weight)]
