"""ONNX graph in float32, by torch's exporter."""

from pathlib import Path

import onnx  # noqa: F401  named here, so that a missing package is reported before the work
import onnxruntime  # noqa: F401  likewise
import onnxscript  # noqa: F401  likewise
import torch
from torch import nn

from safecompress_core.toolkit import Exporter, ExportSource, Format, load_answers
from safecompress_plugins.exporters.manifest import OnnxParams
from safecompress_plugins.exporters.tracing import quiet_exporters, trace, unknown_operator

__all__ = ["INPUT", "OUTPUT", "OnnxGraph", "write_graph"]

INPUT, OUTPUT = "inputs", "logits"
"""Names of the graph's only input and output."""


class OnnxGraph(Exporter):
    """A graph that ONNX Runtime, and what else reads ONNX, computes."""

    def __init__(self, params: OnnxParams) -> None:
        del params  # no parameters of its own

    def write(self, source: ExportSource, path: Path) -> None:
        """Write one file with the weights in it."""
        write_graph(source, path)

    def load(self, path: Path, source: ExportSource) -> nn.Module:
        """Ask the file through ONNX Runtime."""
        return load_answers(path, Format.ONNX, source)


def write_graph(source: ExportSource, path: Path) -> None:
    """Write the model as a graph from ``inputs`` to ``logits`` with a dynamic first dimension.

    Raises:
        ExportError: if it cannot be traced, or ONNX has no operator for a layer.
    """
    traced = trace(source)
    with quiet_exporters():
        try:
            program = torch.onnx.export(
                traced,
                (),
                dynamo=True,
                input_names=[INPUT],
                output_names=[OUTPUT],
                verbose=False,
            )
        except Exception as error:  # torch wraps whatever its converter raises
            raise unknown_operator(error, source.network, target="ONNX") from error
        assert program is not None
        program.save(path)
