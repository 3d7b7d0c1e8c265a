"""Components rebuilt from what a model file says of them: model factories and output guards.

Code that a file names is imported only where the caller allows it.
"""

from collections.abc import Mapping
from typing import Any

import torch

from safecompress_core.api import Kind, Params, Slot
from safecompress_core.errors import StorageError
from safecompress_core.host import Registry
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.saved_models.input_rows import require_same_files
from safecompress_core.saved_models.storage import StoredModel
from safecompress_core.specfile.models.components import Components, definition_of
from safecompress_core.specfile.outside import code_in
from safecompress_core.training.defence import Defence

__all__ = ["component", "factory_of", "guarding_of"]


def factory_of(
    registry: Registry, metadata: Mapping[str, Any], *, allow_code: bool
) -> ModelFactory:
    """Return the factory of the architecture that a file's metadata describe.

    Raises:
        StorageError: if it is not installed, runs code that is not allowed, or reads files that
            have changed.
    """
    # Code is checked before the factory is created, which would import it.
    written = component(registry, Kind.MODEL, metadata["model"], allow_code=allow_code)
    require_same_files(metadata.get("reads", {}), definition_of(written), written)
    factory: ModelFactory = registry.create(written)
    return factory


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
    # Looked up first, since a validation error would not name the missing plugin.
    if written["type"] not in models:
        raise StorageError(f"no {kind} {written['type']!r} is installed")
    params = models[written["type"]].model_validate(written)
    if not allow_code:
        _refuse_code(params)
    return params


def _refuse_code(params: Params) -> None:
    # The first one is enough: the answer is the same for all.
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
    # Whatever a damaged record causes here becomes one error that names the guard.
    except (KeyError, TypeError, ValueError, RuntimeError, StorageError) as error:
        raise StorageError(f"the model's output guard cannot be made again: {error}") from error
    return defence
