"""A network out of a function that the user has written."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from safecompress_core.toolkit import (
    ExternalCode,
    ModelError,
    ModelFactory,
    SafeCompressError,
    global_random_state,
)
from safecompress_plugins.models.loaded_manifest import PythonModelParams
from safecompress_plugins.named_code import imported

__all__ = ["PythonFactory"]


class PythonFactory(ModelFactory):
    """Imports and calls it; the spec layer has seen to it that the user allows that."""

    def __init__(self, params: PythonModelParams) -> None:
        self._params = params
        self._function: Callable[..., Any] | None = None  # the same code for the whole run

    @staticmethod
    def reads(params: PythonModelParams) -> list[ExternalCode]:
        """The sources that the function is imported from."""
        return [ExternalCode(name=params.factory, folder=params.folder)]

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """What the function returns; torch's global state follows ``generator`` while it runs."""
        params = self._params
        given = {"input_shape": input_shape, "classes": classes, "generator": generator}
        try:
            with global_random_state(generator):
                if self._function is None:
                    self._function = imported(*self.reads(params))
                made = self._function(**given, **params.arguments)
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
