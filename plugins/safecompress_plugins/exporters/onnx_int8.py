"""ONNX graph with weights and activations of 8 bits, by ONNX Runtime's static quantiser."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from safecompress_core.toolkit import (
    Exporter,
    ExportError,
    ExportSource,
    Format,
    load_answers,
)
from safecompress_plugins.exporters.manifest import OnnxInt8Params
from safecompress_plugins.exporters.onnx_graph import INPUT, write_graph

__all__ = ["OnnxInt8"]

QUANTISED = ("Conv", "Gemm", "MatMul")
"""Operators that are computed in int8; all others stay in float32."""
ROWS = 32
"""Samples that the ranges of activations are measured on at once."""


class OnnxInt8(Exporter):
    """QDQ graph: pairs of QuantizeLinear and DequantizeLinear, which runtimes fuse.

    Ranges of activations are the least and the greatest value on members of attack-train.
    """

    def __init__(self, params: OnnxInt8Params) -> None:
        self._params = params

    def write(self, source: ExportSource, path: Path) -> None:
        """Write a float32 graph, measure its activations, and quantise it."""
        samples = source.calibration[: self._params.samples]
        if not len(samples):
            raise ExportError(
                "onnx-int8 has no samples to calibrate with: attack-train has no members; export "
                "to onnx, or run with a larger pools.attack_train"
            )
        with TemporaryDirectory(dir=path.parent, prefix=".", suffix=".partial") as place:
            graph, prepared = Path(place) / "float32.onnx", Path(place) / "prepared.onnx"
            write_graph(source, graph)
            quant_pre_process(graph, prepared, skip_symbolic_shape=True)
            with _without_advice():
                quantize_static(
                    prepared,
                    path,
                    _Samples(samples),
                    quant_format=QuantFormat.QDQ,
                    op_types_to_quantize=list(QUANTISED),
                    per_channel=self._params.per_channel,
                    activation_type=QuantType.QInt8,
                    weight_type=QuantType.QInt8,
                    nodes_to_exclude=_guard_nodes(prepared),
                    # Logits stay float32: a range measured on members would clip those of others.
                    extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm", "MatMul"]},
                )

    def load(self, path: Path, source: ExportSource) -> nn.Module:
        """Ask the file through ONNX Runtime."""
        return load_answers(path, Format.ONNX, source)


class _Samples(CalibrationDataReader):  # type: ignore[misc]
    """Batches of samples, in the form in which the quantiser asks for them."""

    def __init__(self, samples: Tensor) -> None:
        self._batches: Iterator[NDArray[np.generic]] = (
            batch.numpy() for batch in samples.split(ROWS)
        )

    def get_next(self) -> dict[str, NDArray[np.generic]] | None:
        """Return the next batch; None after the last one."""
        batch = next(self._batches, None)
        return None if batch is None else {INPUT: batch}


@contextmanager
def _without_advice() -> Iterator[None]:
    """Keep the quantiser from logging its advice on preprocessing to the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def _guard_nodes(graph: Path) -> list[str]:
    """Return the nodes of an output guard, whose arithmetic is exact and stays so."""
    nodes = onnx.load(graph, load_external_data=False).graph.node
    return [
        node.name
        for node in nodes
        for entry in node.metadata_props
        if entry.key == "pkg.torch.onnx.name_scopes" and "'guard" in entry.value
    ]
