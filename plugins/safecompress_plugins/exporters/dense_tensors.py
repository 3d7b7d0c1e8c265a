"""State dict as dense tensors: what every framework reads, without a graph."""

from copy import deepcopy
from pathlib import Path

from safetensors.torch import load_model, save_model
from torch import nn

from safecompress_core.toolkit import Exporter, ExportSource
from safecompress_plugins.exporters.manifest import SafetensorsParams

__all__ = ["DenseTensors"]


class DenseTensors(Exporter):
    """Every parameter and buffer by the name that the architecture gives it."""

    def __init__(self, params: SafetensorsParams) -> None:
        del params  # no parameters of its own

    def write(self, source: ExportSource, path: Path) -> None:
        """Write the tensors; one that several layers share is written once."""
        save_model(source.module, str(path), metadata={"format": "pt"})

    def load(self, path: Path, source: ExportSource) -> nn.Module:
        """Fill a network of the architecture, whose own weights are erased before."""
        network = deepcopy(source.module)
        for tensor in network.state_dict().values():
            tensor.zero_()
        load_model(network, str(path), strict=True)
        return network.eval()
