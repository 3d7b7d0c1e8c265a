"""Models and output guards rebuilt from what a model file says of them.

Code that a file names is imported only where the caller allows it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from safecompress_core.api import Kind, Params, Slot
from safecompress_core.errors import SafeCompressError, StorageError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.networks.layer_shapes import Reshaping
from safecompress_core.networks.output_guard import Guard
from safecompress_core.saved_models.input_rows import Prediction, Rows, require_same_files
from safecompress_core.saved_models.storage import StoredModel, load_model
from safecompress_core.specfile.models.components import Components, definition_of
from safecompress_core.specfile.outside import code_in
from safecompress_core.training.defence import Defence

__all__ = ["Prediction", "ShippedModel", "component", "guarding_of", "load_classifier"]

# N samples · C classes

BATCH = 256
"""Rows that are asked about at once."""


class ShippedModel(nn.Module):
    """A model as whoever asks meets it: behind what guards its answers, where anything does.

    Attributes:
        module: the network itself.
        guard: what its answers go through; None for nothing.
        classes: the names of its labels.
        rows: encodes rows as the data of the run were.
    """

    def __init__(
        self, module: nn.Module, guard: Guard | None, classes: tuple[str, ...], rows: Rows
    ) -> None:
        super().__init__()
        self.module = module
        self.guard = guard
        self.classes = classes
        self.rows = rows

    def encode(self, rows: Any) -> Tensor:
        """Encode rows as the data of the run were, shape (N, ...).

        Args:
            rows: of a table a list of mappings, a data frame, or the path of a CSV or Parquet file;
                images as paths, bytes or PIL images, or a folder of them; else arrays.

        Raises:
            DataError: if a column is missing, or a value is not as in training.
            StorageError: if the file does not say how rows are encoded.
        """
        return self.rows.encoded(rows).inputs

    def predict(self, rows: Any) -> Prediction:
        """Return labels and probabilities of rows as ``encode`` takes them."""
        encoded = self.rows.encoded(rows)
        with torch.no_grad():
            logits = [self(batch) for batch in encoded.inputs.split(BATCH) if len(batch)]
        answers = torch.cat(logits) if logits else torch.zeros(0, len(self.classes))
        return Prediction(
            names=encoded.names,
            labels=tuple(self.classes[label] for label in answers.argmax(dim=1).tolist()),
            classes=self.classes,
            probabilities=answers.softmax(dim=1),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (N, C) of samples (N, ...)."""
        logits: Tensor = self.module(inputs)
        return logits if self.guard is None else self.guard.answered(inputs, logits)


def load_classifier(
    path: Path,
    *,
    network: nn.Module | None = None,
    allow_code: bool = False,
    registry: Registry | None = None,
) -> ShippedModel:
    """Return the model of a file, in eval mode and on the CPU.

    Args:
        path: what ``safecompress run`` has written.
        network: is filled with the file's weights, in place of a network that the file's metadata
            describe; of the shapes of the architecture, or of those that the file holds.
        allow_code: whether code that the file's metadata name may be imported and run, from a
            folder that they name.
        registry: what is installed; loaded if none is given.

    Raises:
        StorageError: if the file cannot be read, names what is not installed, does not fit, or
            names code that is not allowed.
    """
    stored = load_model(path)
    registry = registry or load_plugins().registry
    try:
        classes = tuple(map(str, stored.metadata["classes"]))
        factory = None
        if network is None:
            factory, network = _built(stored, registry, allow_code=allow_code)
        _fill(network, stored)
    except (KeyError, TypeError, ValueError, RuntimeError, SafeCompressError) as error:
        reason = " ".join(str(error).split())
        raise StorageError(f"{path}: its model cannot be made again: {reason}") from error
    guarding = guarding_of(registry, stored, allow_code=allow_code)
    guard = None if guarding is None else guarding.guard
    rows = Rows(stored.metadata, registry, factory)
    return ShippedModel(network.cpu(), guard, classes, rows).eval()


def _built(
    stored: StoredModel, registry: Registry, *, allow_code: bool
) -> tuple[ModelFactory, nn.Module]:
    """Build the architecture that a file's metadata describe, and return its factory as well."""
    metadata = stored.metadata
    written = component(registry, Kind.MODEL, metadata["model"], allow_code=allow_code)
    require_same_files(metadata.get("reads", {}), definition_of(written), written)
    factory: ModelFactory = registry.create(written)
    return factory, factory.build(
        input_shape=tuple(metadata["input_shape"]),
        classes=len(metadata["classes"]),
        generator=torch.Generator(),  # whatever is drawn is replaced
    )


def _fill(network: nn.Module, stored: StoredModel) -> None:
    """Give a network the shapes and weights of a file."""
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    if shapes != {name: tensor.shape for name, tensor in stored.state.items()}:
        Reshaping.from_json(stored.metadata.get("reshaping", {})).apply(network)
    network.load_state_dict(stored.state)


def component(
    registry: Registry, kind: Kind, written: Mapping[str, Any], *, allow_code: bool
) -> Params:
    """Return the parameters of a component that a model's file writes as a spec does.

    Args:
        registry: what is installed.
        kind: of the component.
        written: its type and parameters.
        allow_code: whether it may import and run code that the file names.

    Raises:
        StorageError: if nothing of that name is installed, or it runs code that is not allowed.
    """
    models = Components(registry).models(Slot(kind))
    if written["type"] not in models:
        raise StorageError(f"no {kind} {written['type']!r} is installed")
    params = models[written["type"]].model_validate(written)
    if not allow_code:
        _refuse_code(params)
    return params


def _refuse_code(params: Params) -> None:
    for _, definition in code_in(params):
        raise StorageError(
            f"{definition.name!r} imports and runs code that this file names, which may do "
            "anything that you may; allow it (allow_code=True, on the command line --allow-code) "
            "if you trust that code and the file, or fill a network of your own: "
            "load_classifier(path, network=...)"
        )


def guarding_of(registry: Registry, stored: StoredModel, *, allow_code: bool) -> Defence | None:
    """Return the defence that made the output guard of a stored model; None without a guard.

    Raises:
        StorageError: if the defence is not installed, makes a guard of other shapes, or runs code
            that the file names and that is not allowed.
    """
    written = stored.metadata.get("guard")
    if written is None:
        return None
    try:
        defence: Defence = registry.create(
            component(registry, Kind.DEFENCE, written, allow_code=allow_code)
        )
        defence.guard = guard = defence.make_guard(
            classes=len(stored.metadata["classes"]),
            generator=torch.Generator(),  # whatever is drawn is replaced
        )
        if guard is not None:
            guard.load_state_dict(stored.guard)
    except (KeyError, TypeError, ValueError, RuntimeError, StorageError) as error:
        message = f"what guards the model's answers cannot be made again: {error}"
        raise StorageError(message) from error
    return defence
