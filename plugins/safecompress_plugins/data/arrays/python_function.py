"""Samples returned by a Python function of the user."""

from dataclasses import replace

from safecompress_core.toolkit import (
    DataError,
    Dataset,
    ExternalCode,
    SafeCompressError,
    import_function,
)
from safecompress_plugins.data.arrays.array_encoder import ArrayEncoder
from safecompress_plugins.data.arrays.manifest import PythonParams
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.files import require_existing

__all__ = ["PythonFunction"]


class PythonFunction(EncodingSource):
    """Import and call of the function; the spec layer has checked the user's permission."""

    def __init__(self, params: PythonParams) -> None:
        self._params = params

    @staticmethod
    def reads(params: PythonParams) -> list[ExternalCode]:
        """List the sources that the function is imported from."""
        return [ExternalCode(name=params.function, folder=params.folder)]

    def load(self) -> Dataset:
        """Call the function."""
        params = self._params
        if params.folder is not None:
            require_existing(params.folder, field=("folder",), is_folder=True)
        try:
            made = import_function(*self.reads(params))(**params.arguments)
        # Our own errors already name the cause and its remedy.
        except SafeCompressError:
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise DataError(
                f"{params.function!r} cannot be used ({reason})",
                hint="correct it, or name another one",
                field=("function",),
            ) from error
        if not isinstance(made, Dataset):
            raise DataError(
                f"{params.function!r} returned a {type(made).__name__}",
                hint="return a safecompress_core.toolkit.Dataset",
                field=("function",),
            )
        # An encoder of the user, or texts, need none of ours.
        if made.encoder is not None or made.texts:
            return made
        return replace(made, encoder=ArrayEncoder(tuple(made.inputs.shape[1:])))
