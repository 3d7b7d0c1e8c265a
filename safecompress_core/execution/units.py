"""Units of work: small descriptions that any process can do, with their results in files.

- A unit holds ids, paths and settings as plain values: no sample, no network, no code of a spec.
- It writes below one folder, and `mark` is the file that it writes last: with it the unit is done.
- What it needs of the folder it names in `reads`, so that it can be brought to another machine.
"""

import pickle
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from safecompress_core.errors import SafeCompressError

__all__ = ["Unit", "do_unit"]


@dataclass(frozen=True, kw_only=True)
class Unit(ABC):
    """Description of one unit of work.

    Attributes:
        label: its name in messages.
        folder: where it leaves its results.
        threads: processor threads that it computes with. Rounding depends on them, so they are part
            of the unit, and do not depend on what else is at work.
        device: type of the device that it computes on: ``cpu``, ``cuda`` or ``mps``.
        plugins_dir: where single-file plugins are; None for none.
        plugins_name: what records call that folder, where it is a copy; None for its path.
    """

    label: str
    folder: Path
    threads: int = 1
    device: str = "cpu"
    plugins_dir: Path | None = None
    plugins_name: str | None = None

    @property
    @abstractmethod
    def mark(self) -> str:
        """The file, relative to the folder, that is written last."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Patterns of the files that it reads, relative to the folder; hidden files never count."""
        return ()

    @abstractmethod
    def work(self) -> None:
        """Do it. Whatever was done before is done again, to the same files."""


def do_unit(unit: Unit) -> None:
    """Do a unit in a process that serves an executor.

    Raises:
        SafeCompressError: if memory does not suffice, or instead of an error that cannot be sent to
            another process.
        Exception: whatever else the unit raises.
    """
    try:
        unit.work()
    except Exception as error:
        if is_out_of_memory(error):
            reason = str(error) or type(error).__name__
            raise SafeCompressError(
                f"{unit.label}: memory is not enough ({reason}); use fewer --workers, or a smaller "
                "training.batch_size"
            ) from None
        if _can_be_sent(error):
            raise
        # ``from None``: the cause may be what cannot be sent.
        message = str(error) if isinstance(error, SafeCompressError) else f"{unit.label}: {error!r}"
        raise SafeCompressError(message) from None


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory is not enough, of whatever device."""
    # torch's own error by name, since this module does not need torch.
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def _can_be_sent(error: Exception) -> bool:
    """Return whether an error comes out of a pipe as it went in."""
    try:
        # The same bytes that the pipe would carry, and our own object: nothing foreign is loaded.
        copied = pickle.loads(pickle.dumps(error))  # noqa: S301
    # Pickling calls the error's own code, which may raise anything.
    except Exception:  # noqa: BLE001
        return False
    return type(copied) is type(error) and str(copied) == str(error)
