"""Samples out of a function that the user has written."""

from safecompress_core.toolkit import DataError, Dataset, DataSource, SafeCompressError
from safecompress_plugins.data.array_manifest import PythonParams
from safecompress_plugins.data.files import existing
from safecompress_plugins.named_code import imported

__all__ = ["PythonFunction"]


class PythonFunction(DataSource):
    """Imports and calls it; the spec layer has seen to it that the user allows that."""

    def __init__(self, params: PythonParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """What the function returns."""
        params = self._params
        folder = None
        if params.folder is not None:
            folder = existing(params.folder, field=("folder",), is_folder=True)
        try:
            made = imported(params.function, folder=folder)(**params.arguments)
        except SafeCompressError:
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise DataError(
                f"{params.function!r} cannot be used ({reason})",
                mend="mend it, or name another one",
                field=("function",),
            ) from error
        if not isinstance(made, Dataset):
            raise DataError(
                f"{params.function!r} returned a {type(made).__name__}",
                mend="return a safecompress_core.toolkit.Dataset",
                field=("function",),
            )
        return made
