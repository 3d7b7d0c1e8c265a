"""Interface of exporters: from a finished network to a file, and from the file to its answers."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from safecompress_core.api import Definition
from safecompress_core.host.boundary import check_result
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.saved_models.exported import load_exported
from safecompress_core.saved_models.model_format import Format
from safecompress_core.saved_models.outputs import OutputReader

__all__ = ["ExportSource", "Exporter", "load_answers"]

# N samples · B examples · M members · C classes


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSource:
    """A finished model with what its export may need.

    Attributes:
        network: from samples (N, ...) to logits (N, C) as a user gets them, behind the output guard
            if there is one; in eval mode, on the CPU. An exporter changes nothing of it.
        module: the network without a guard, as its architecture builds it.
        factory: what built the architecture.
        examples: a few samples, shape (B, ...) with B of at least 2.
        calibration: members of attack-train, shape (M, ...), for formats that measure activations.
        classes: the names of the labels, in the order of the logits.
        guard: name of the defence whose guard perturbs the answers; empty without one.
    """

    network: nn.Module
    module: nn.Module
    factory: ModelFactory | None
    examples: Tensor
    calibration: Tensor
    classes: tuple[str, ...]
    guard: str = ""


def _check_module(_: Definition, module: object, *__: object) -> None:
    if not isinstance(module, nn.Module):
        raise ValueError(f"returned {type(module).__name__}; it must return a torch.nn.Module")


class Exporter(ABC):
    """Target of an :class:`~safecompress_core.api.ExporterDef`; built from its parameters."""

    @abstractmethod
    def write(self, source: ExportSource, path: Path) -> None:
        """Write the model.

        Args:
            source: the model.
            path: a file that does not exist yet; an existing folder if the definition names no
                file.

        Raises:
            ExportError: if the format cannot hold the model.
        """

    @abstractmethod
    @check_result(_check_module)
    def load(self, path: Path, source: ExportSource) -> nn.Module:
        """Return a module from samples (N, ...) to logits (N, C) that asks the written file.

        Args:
            path: what was written.
            source: what it was written from; no weight of it may answer.
        """


def load_answers(path: Path, form: Format, source: ExportSource) -> nn.Module:
    """Return a module that asks an ONNX file, an exported program or a TorchScript file.

    Raises:
        StorageError: if the file cannot be loaded, or holds pickles.
    """
    reading = OutputReader(output=None, answers="logits", classes=source.classes)
    return load_exported(path, form, inputs=source.examples, reading=reading).module
