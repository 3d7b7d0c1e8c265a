"""Units of work that take no time: they write, raise, die or wait."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from safecompress_core.execution.units import Unit


class TwoArgumentsError(ValueError):
    """An error that cannot be built from its message."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


@dataclass(frozen=True, kw_only=True)
class Writes(Unit):
    """Writes what it reads, once more, and the process that it was done by; counts itself."""

    name: str
    text: str = "done"
    asked: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        return f"{self.name}/mark"

    @property
    def reads(self) -> tuple[str, ...]:
        return self.asked

    def work(self) -> None:
        place = self.folder / self.name
        place.mkdir(exist_ok=True, parents=True)
        read = [path for pattern in self.asked for path in sorted(self.folder.glob(pattern))]
        (place / "pid").write_text(str(os.getpid()))
        (place / "device").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "all"))
        (place / "mark").write_text("".join([*(path.read_text() for path in read), self.text]))


@dataclass(frozen=True, kw_only=True)
class Dies(Writes):
    """Kills its process as often as asked; counts the times in a file that all attempts share."""

    count: Path
    times: int

    def work(self) -> None:
        tried = len(self.count.read_text()) if self.count.exists() else 0
        if tried < self.times:
            self.count.write_text("x" * (tried + 1))
            os.kill(os.getpid(), signal.SIGKILL)
        super().work()


@dataclass(frozen=True, kw_only=True)
class Raises(Writes):
    """Raises an error of a kind."""

    kind: str

    def work(self) -> None:
        if self.kind == "memory":
            raise MemoryError
        if self.kind == "two":
            raise TwoArgumentsError("a", "b")
        raise ValueError("this unit cannot be done")


@dataclass(frozen=True, kw_only=True)
class Waits(Writes):
    """Leaves a file with its process when it begins, and waits until another file is there."""

    begun: Path
    until: Path

    def work(self) -> None:
        (self.begun / f"{self.name}.new").write_text(str(os.getpid()))
        (self.begun / f"{self.name}.new").rename(self.begun / f"{self.name}.begun")
        while not self.until.exists():
            time.sleep(0.05)
        super().work()
