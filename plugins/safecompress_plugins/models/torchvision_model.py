"""Image classifiers of torchvision."""

import difflib
from typing import Any

import torch
from torch import nn

from safecompress_core.toolkit import ModelError, ModelFactory, global_random_state
from safecompress_plugins.models.image_channels import channels_of
from safecompress_plugins.models.loaded_manifest import TorchvisionModelParams

__all__ = ["TorchvisionModel"]


class TorchvisionModel(ModelFactory):
    """An untrained torchvision classifier, initialised by its own rules."""

    def __init__(self, params: TorchvisionModelParams) -> None:
        self._params = params
        self._models = _library()

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Build a new network; torch's global state is seeded by ``generator`` meanwhile."""
        # Only classifiers: other models download, and unpickle, the weights of a backbone.
        name, known = self._params.name, self._models.list_models(module=self._models)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            raise ModelError(
                f"torchvision has no model {name!r}",
                hint=f"write {' or '.join(near) or 'resnet18'}, for example",
                field=("name",),
            )
        channels = channels_of(input_shape, needed_by=name)
        if channels != 3:
            raise ModelError(
                f"{name!r} needs images of 3 channels; these have {channels}",
                hint="use 'normal' with three channels in the data, or another model",
                field=("name",),
            )
        try:
            with global_random_state(generator):
                made: nn.Module = self._models.get_model(
                    name, weights=None, num_classes=classes, **self._params.options
                )
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"torchvision cannot build {name!r} ({error})",
                hint="check its options",
                field=("options",) if self._params.options else ("name",),
            ) from error
        return made


# Imported on use: torchvision comes with an extra, and must match the installed torch.
def _library() -> Any:
    """Import torchvision's models.

    Raises:
        ModuleNotFoundError: if torchvision is not installed.
        ModelError: if it was built for another torch.
    """
    try:
        from torchvision import models  # noqa: PLC0415  so that this error has words
    except RuntimeError as error:
        raise ModelError(
            f"torchvision does not fit the torch that is installed ({error})",
            hint="install both at once, and from the same index",
        ) from error
    return models
