"""Program of torch.export, with plain tensors as its weights."""

from pathlib import Path

import torch
from torch import nn

from safecompress_core.toolkit import Exporter, ExportSource, Format, load_answers
from safecompress_plugins.exporters.manifest import Pt2Params
from safecompress_plugins.exporters.tracing import quiet_exporters, trace

__all__ = ["ExportedProgramFile"]


class ExportedProgramFile(Exporter):
    """A graph that torch loads without the Python code of the architecture."""

    def __init__(self, params: Pt2Params) -> None:
        del params  # no parameters of its own

    def write(self, source: ExportSource, path: Path) -> None:
        """Write the traced model."""
        traced = trace(source)
        with quiet_exporters():
            torch.export.save(traced, path)

    def load(self, path: Path, source: ExportSource) -> nn.Module:
        """Load the program; a file with pickled weights is refused."""
        return load_answers(path, Format.EXPORTED, source)
