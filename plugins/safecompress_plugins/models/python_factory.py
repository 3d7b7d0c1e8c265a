"""A network out of a function that the user has written."""

import torch
from torch import nn

from safecompress_core.toolkit import (
    ModelError,
    ModelFactory,
    SafeCompressError,
    global_random_state,
    local_path,
)
from safecompress_plugins.models.loaded_manifest import PythonModelParams
from safecompress_plugins.named_code import imported

__all__ = ["PythonFactory"]


class PythonFactory(ModelFactory):
    """Imports and calls it; the spec layer has seen to it that the user allows that."""

    def __init__(self, params: PythonModelParams) -> None:
        self._params = params

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """What the function returns; torch's global state follows ``generator`` while it runs."""
        params = self._params
        folder = None if params.folder is None else local_path(params.folder)
        given = {"input_shape": input_shape, "classes": classes, "generator": generator}
        try:
            with global_random_state(generator):
                made = imported(params.factory, folder=folder)(**given, **params.arguments)
        except SafeCompressError:
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise self._unusable(f"{params.factory!r} cannot be used ({reason})") from error
        if not isinstance(made, nn.Module):
            raise self._unusable(f"{params.factory!r} returned a {type(made).__name__}")
        return made

    @staticmethod
    def _unusable(message: str) -> ModelError:
        mend = "return a torch.nn.Module from it, or name another one"
        return ModelError(message, mend=mend, field=("factory",))
