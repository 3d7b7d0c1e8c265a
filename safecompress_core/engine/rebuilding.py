"""Makes again what a model's file names: components, and what guards its answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from safecompress_core.api import Kind, Params, Slot
from safecompress_core.engine.defence import Defence
from safecompress_core.errors import SafeCompressError, StorageError
from safecompress_core.guard import Guard
from safecompress_core.host import Registry, load_plugins
from safecompress_core.network import ModelFactory
from safecompress_core.reshaping import Reshaping
from safecompress_core.sparse.storage import StoredModel, load_model
from safecompress_core.spec.components import Components

__all__ = ["ShippedModel", "component", "guarding_of", "load_classifier"]

# N samples · C classes


class ShippedModel(nn.Module):
    """A model as whoever asks meets it: behind what guards its answers, where anything does.

    Attributes:
        module: the network itself.
        guard: what its answers go through; None for nothing.
        classes: the names of its labels.
    """

    def __init__(self, module: nn.Module, guard: Guard | None, classes: tuple[str, ...]) -> None:
        super().__init__()
        self.module = module
        self.guard = guard
        self.classes = classes

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (N, C) of samples (N, ...)."""
        logits: Tensor = self.module(inputs)
        return logits if self.guard is None else self.guard.answered(inputs, logits)


def load_classifier(path: Path, *, registry: Registry | None = None) -> ShippedModel:
    """The model of a file, in eval mode and on the CPU, to be asked.

    Args:
        path: what ``safecompress run`` has written.
        registry: what is installed; loaded if none is given.

    Raises:
        StorageError: if the file cannot be read, or names what is not installed or does not fit.
    """
    stored = load_model(path)
    registry = registry or load_plugins().registry
    try:
        factory: ModelFactory = registry.create(
            component(registry, Kind.MODEL, stored.metadata["model"])
        )
        classes = tuple(map(str, stored.metadata["classes"]))
        module = factory.build(
            input_shape=tuple(stored.metadata["input_shape"]),
            classes=len(classes),
            generator=torch.Generator(),  # whatever is drawn is replaced
        )
        Reshaping.from_json(stored.metadata.get("reshaping", {})).apply(module)
        module.load_state_dict(stored.state)
    except (KeyError, TypeError, ValueError, RuntimeError, SafeCompressError) as error:
        raise StorageError(f"{path}: its model cannot be made again: {error}") from error
    guarding = guarding_of(registry, stored)
    guard = None if guarding is None else guarding.guard
    return ShippedModel(module, guard, classes).eval()


def component(registry: Registry, kind: Kind, written: Mapping[str, Any]) -> Params:
    """The parameters of a component that a model's file writes as a spec does.

    Raises:
        StorageError: if nothing of that name is installed.
    """
    models = Components(registry).models(Slot(kind))
    if written["type"] not in models:
        raise StorageError(f"no {kind} {written['type']!r} is installed")
    return models[written["type"]].model_validate(written)


def guarding_of(registry: Registry, stored: StoredModel) -> Defence | None:
    """The defence whose ``guard`` stands before the answers of a stored model; None for nothing.

    Raises:
        StorageError: if the defence is not installed, or makes one of other shapes.
    """
    written = stored.metadata.get("guard")
    if written is None:
        return None
    try:
        defence: Defence = registry.create(component(registry, Kind.DEFENCE, written))
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
