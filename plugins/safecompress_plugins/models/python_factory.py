"""A network built by a Python function of the user."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from safecompress_core.toolkit import (
    ExternalCode,
    ModelError,
    ModelFactory,
    SafeCompressError,
    global_random_state,
    import_function,
)
from safecompress_plugins.models.loaded_manifest import PythonModelParams

__all__ = ["PythonFactory"]


class PythonFactory(ModelFactory):
    """Import and call of the function; the spec layer has checked the user's permission."""

    def __init__(self, params: PythonModelParams) -> None:
        self._params = params
        # imported once: the same code for the whole run
        self._function: Callable[..., Any] | None = None

    @staticmethod
    def reads(params: PythonModelParams) -> list[ExternalCode]:
        """List the sources that the function is imported from."""
        return [ExternalCode(name=params.factory, folder=params.folder)]

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Call the function, and convert its network to float32.

        torch's global state is seeded by ``generator`` during the call.
        """
        params = self._params
        given = {"input_shape": input_shape, "classes": classes, "generator": generator}
        try:
            if self._function is None:
                self._function = self._import()
            with global_random_state(generator):
                made = self._function(**given, **params.arguments)
        # Our own errors already name the cause and its remedy.
        except SafeCompressError:
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            names = ", ".join(map(repr, (*given, *params.arguments)))
            raise self._unusable(
                f"{params.factory!r} cannot be used ({reason}); it was called with {names}: "
                f"input_shape is {tuple(input_shape)}, classes is {classes}"
            ) from error
        if not isinstance(made, nn.Module):
            raise self._unusable(f"{params.factory!r} returned a {type(made).__name__}")
        return made.float()

    def _import(self) -> Callable[..., Any]:
        """Import the function.

        Raises:
            ModelError: if it does not exist, or its module cannot be imported.
        """
        [code] = self.reads(self._params)
        folder = code.place
        if folder is not None and not folder.is_dir():
            raise ModelError(
                f"there is no folder {str(folder)!r}; paths start at {Path.cwd()}, where the "
                "command was started",
                hint="write the folder that holds the module",
                field=("folder",),
            )
        try:
            return import_function(code)
        except ModuleNotFoundError as error:
            module = code.name.partition(":")[0]
            # A missing import inside the user's module is an error of that module, not of its name.
            if error.name != module.partition(".")[0]:
                raise
            where = "among installed packages" if folder is None else f"in {str(folder)!r}"
            hint = "write 'folder: .' to look in the folder where the command was started"
            if folder is not None:
                hint = f"write the folder that holds {module.replace('.', '/')}.py"
            raise ModelError(
                f"there is no module {module!r} {where}", hint=hint, field=("factory",)
            ) from error

    @staticmethod
    def _unusable(message: str) -> ModelError:
        hint = "return a torch.nn.Module from it, or name another one"
        return ModelError(message, hint=hint, field=("factory",))
