"""Every error that SafeCompress raises on purpose.

::

    SafeCompressError
    ├── SpecError                the spec is invalid; carries every problem found      (exit code 1)
    ├── PluginError              a plugin could not be used; names it and its distribution
    │   └── ComponentError       a component failed while it was built or used
    ├── MissingExtraError        an optional dependency is not installed
    ├── DataError                samples cannot be read as their parameters say
    ├── PoolError                the samples do not suffice for what is asked of them
    ├── AccessError              an attacker read what it did not declare
    ├── ModelError               a model cannot be had, or does not fit its samples
    ├── ExecutionError           units of work cannot be done by the executor that is asked for
    ├── ExportError              a model cannot be exported in a format
    │   └── ExportCheckError     the exported file differs from the model              (exit code 1)
    ├── TopologyError            masks, counts or densities do not fit
    │   └── RepresentationError  a module cannot be the representation
    ├── StorageError             a model file is damaged or not ours
    ├── TrainingDivergedError    the loss is no longer a number
    ├── DataParallelError        processes that train together have come apart
    ├── WriteError               a file cannot be written
    └── RunDirectoryError        a run directory cannot be used
        └── RunInUseError        another process is running in it

All but these two end the command line with exit code 2.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

# Only for the type checker: specfile imports this module.
if TYPE_CHECKING:
    from safecompress_core.results.schema import ExportRecord
    from safecompress_core.specfile.problems import LocatedProblem

__all__ = [
    "AccessError",
    "ComponentError",
    "DataError",
    "DataParallelError",
    "ExecutionError",
    "ExportCheckError",
    "ExportError",
    "MissingExtraError",
    "ModelError",
    "PluginError",
    "PoolError",
    "RepresentationError",
    "RunDirectoryError",
    "RunInUseError",
    "SafeCompressError",
    "SpecError",
    "StorageError",
    "TopologyError",
    "TrainingDivergedError",
    "WriteError",
]


class SafeCompressError(Exception):
    """Root of all errors raised on purpose; its message is fit for a user."""


class SpecError(SafeCompressError):
    """A spec is invalid.

    Attributes:
        problems: all that was found, in the order of the file.
    """

    def __init__(self, problems: "Sequence[LocatedProblem]") -> None:
        # A tuple: the error may be handled far from the list that collected its problems.
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PluginError(SafeCompressError):
    """A plugin could not be loaded, registered or used.

    Attributes:
        plugin: the entry point's name, or the file of a single-file plugin.
        distribution: name and version of the package it came with.
    """

    def __init__(self, message: str, *, plugin: str, distribution: str) -> None:
        self.plugin = plugin
        # Attributes as well as text, for programs that handle the error.
        self.distribution = distribution
        super().__init__(f"{distribution}: {plugin}: {message}")


class ComponentError(PluginError):
    """A component could not be built, raised, or answered against its interface.

    Attributes:
        message: what it did, and what is wanted.
        params: its parameters.
        place: file, line, column and field of the spec where it stands; empty if unknown.
    """

    def __init__(
        self, message: str, *, plugin: str, distribution: str, params: object, place: str = ""
    ) -> None:
        self.message = message
        # By identity of these the place in the spec is found.
        self.params = params
        self.place = place
        super().__init__(message, plugin=plugin, distribution=distribution)

    def at(self, place: str) -> "ComponentError":
        """The same error with the place in a spec."""
        # A copy: errors that were raised keep their message.
        return ComponentError(
            self.message,
            plugin=self.plugin,
            distribution=self.distribution,
            params=self.params,
            place=place,
        )

    def __str__(self) -> str:
        message = super().__str__()
        return f"{self.place}: {message}" if self.place else message


class MissingExtraError(SafeCompressError):
    """A command needs packages that the base install does not bring."""

    def __init__(self, missing: str, *, extra: str) -> None:
        from safecompress_core.install_command import (  # noqa: PLC0415  30 ms, for this alone
            install_command,
        )

        self.extra = extra
        super().__init__(f"{missing} is not installed; install it with: {install_command(extra)}")


class DataError(SafeCompressError):
    """Samples cannot be read as their parameters say.

    Attributes:
        message: what is wrong.
        hint: what to write instead.
        field: the path of the parameter that says it, below ``task.data``; empty for all of them.
    """

    def __init__(self, message: str, *, hint: str, field: tuple[str | int, ...] = ()) -> None:
        self.message = message
        self.hint = hint
        self.field = field
        super().__init__(f"{message}; {hint}")


class PoolError(SafeCompressError):
    """There are too few samples, or of too few kinds, for what is asked of them."""


class AccessError(SafeCompressError):
    """An attacker read something that its declared access does not include."""


class ModelError(SafeCompressError):
    """A model cannot be had, or does not fit the samples or their labels.

    Attributes:
        message: what is wrong.
        hint: what to write instead.
        field: the path of the parameter that says it, below ``task.model``; empty for all of them.
    """

    def __init__(self, message: str, *, hint: str, field: tuple[str | int, ...] = ()) -> None:
        self.message = message
        self.hint = hint
        self.field = field
        super().__init__(f"{message}; {hint}")


class ExecutionError(SafeCompressError):
    """Units of work cannot be done: by settings, a cluster or a worker that do not suffice."""


class ExportError(SafeCompressError):
    """A model cannot be exported in a format, or an export cannot be written where it should."""


class ExportCheckError(ExportError):
    """An exported file differs from the model by more than is accepted; it was not kept.

    Attributes:
        record: what was measured; None where the answers are no numbers.
    """

    def __init__(self, message: str, record: "ExportRecord | None" = None) -> None:
        self.record = record
        super().__init__(message)


class TopologyError(SafeCompressError):
    """Masks, counts or densities do not fit each other."""


class RepresentationError(TopologyError):
    """There is no module of the representation's name, or it puts out no vectors."""


class StorageError(SafeCompressError):
    """A model file is damaged, or was not written by SafeCompress."""


class TrainingDivergedError(SafeCompressError):
    """The training loss is no longer a number."""


class DataParallelError(SafeCompressError):
    """Processes that train one model together differ, or one of them has ended."""


class WriteError(SafeCompressError):
    """A file cannot be written; the message names it and the cause."""


class RunDirectoryError(SafeCompressError):
    """A run directory cannot be read or written."""


class RunInUseError(RunDirectoryError):
    """Another process is running in this directory."""
