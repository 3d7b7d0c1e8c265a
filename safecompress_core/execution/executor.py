"""Executors: they do independent units of work, and the result of a unit never depends on which."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self, TypeVar

from safecompress_core.execution.units import Unit

__all__ = ["Executor", "LocalExecutor"]

AnyUnit = TypeVar("AnyUnit", bound=Unit)


class Executor(ABC):
    """Does units until it is closed.

    Attributes:
        is_local: whether units are done in this process, one after the other.
        workers: how many units are done at once, at most.
    """

    is_local: bool = False
    workers: int = 1

    @abstractmethod
    def require(self, distributions: Sequence[tuple[str, str | None]]) -> None:
        """Check that workers have these distributions, by name and version.

        Raises:
            ExecutionError: at the first that is missing, or of another version.
        """

    @abstractmethod
    def do(
        self, units: Sequence[AnyUnit], *, here: Callable[[AnyUnit], None] | None = None
    ) -> Iterator[AnyUnit]:
        """Do all units and yield each as soon as its files are there.

        Args:
            units: what there is to do, in no order that matters.
            here: does one unit in this process, with what is loaded; `Unit.work` by default.

        Yields:
            Each unit once.

        Raises:
            SafeCompressError: if a unit is lost with its process each time it is tried.
            Exception: whatever a unit raises; units that have not begun are skipped then.
        """

    @abstractmethod
    def close(self, *, is_interrupted: bool = False) -> None:
        """Let go of processes and connections.

        Args:
            is_interrupted: whether units in work are killed instead of awaited.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        # An interrupt is no Exception: what is in work is not awaited then.
        self.close(is_interrupted=kind is not None and not issubclass(kind, Exception))


class LocalExecutor(Executor):
    """Does units in this process, in their order."""

    is_local = True

    def do(
        self, units: Sequence[AnyUnit], *, here: Callable[[AnyUnit], None] | None = None
    ) -> Iterator[AnyUnit]:
        """Do one unit after the other; debuggers work."""
        for unit in units:
            if here is None:
                unit.work()
            else:
                here(unit)
            yield unit

    def require(self, distributions: Sequence[tuple[str, str | None]]) -> None:
        """Return: this process has what it has loaded."""

    def close(self, *, is_interrupted: bool = False) -> None:
        """Return: nothing is open."""
