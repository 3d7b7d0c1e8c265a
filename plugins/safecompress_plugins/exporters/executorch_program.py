"""ExecuTorch program with the XNNPACK backend, which computes on the processors of phones."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from executorch.extension.pybindings.portable_lib import _unsafe_reset_threadpool
from executorch.runtime import Runtime
from torch import Tensor, nn
from torch.export import Dim

from safecompress_core.toolkit import Exporter, ExportSource
from safecompress_plugins.exporters.manifest import ExecutorchParams
from safecompress_plugins.exporters.tracing import quiet_exporters, trace, unknown_operator

__all__ = ["ExecutorchProgram"]


class ExecutorchProgram(Exporter):
    """A program whose convolutions and matrix products XNNPACK computes in float32."""

    def __init__(self, params: ExecutorchParams) -> None:
        self._batch = params.batch

    def write(self, source: ExportSource, path: Path) -> None:
        """Write the program, with memory planned for the largest batch."""
        # By a whole batch: torch chooses kernels by its size, which would bound that of others.
        rows = torch.arange(self._batch) % len(source.examples)
        whole = replace(source, examples=source.examples[rows])
        traced = trace(whole, batch=Dim("batch", min=1, max=self._batch))
        with quiet_exporters():
            try:
                edge = to_edge_transform_and_lower(traced, partitioner=[XnnpackPartitioner()])
                program = edge.to_executorch()
            except Exception as error:  # its passes raise errors of many kinds
                raise unknown_operator(error, source.network, target="ExecuTorch") from error
        program.save(str(path))

    def load(self, path: Path, source: ExportSource) -> nn.Module:
        """Ask the program through ExecuTorch's runtime, a batch of the planned size at a time."""
        del source  # the program alone answers
        # As many threads as torch: latency is stated with their number.
        _unsafe_reset_threadpool(torch.get_num_threads())
        with quiet_exporters():
            method = Runtime.get().load_program(path).load_method("forward")
        return _Program(method, self._batch)


class _Program(nn.Module):
    """A loaded program as a module; copies share it."""

    def __init__(self, method: Any, batch: int) -> None:
        super().__init__()
        # In a list: no attribute of a module is copied with it then.
        self._method = _Shared(lambda inputs: method.execute([inputs.contiguous()])[0].clone())
        self._batch = batch

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (N, C)."""
        return torch.cat([self._method(part) for part in inputs.split(self._batch)])


class _Shared:
    """A function that copies share, since a loaded program cannot be copied."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self._function = function

    def __call__(self, inputs: Tensor) -> Tensor:
        return self._function(inputs)

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self
