"""Signals: exit codes, quiet ends, and no process that outlives the command."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

DEADLINE = 120.0
"""Seconds that something may take on a busy machine before it counts as never."""

COMMANDS = '''
"""Commands that stand in for a run: one has workers, one is slow to clean up."""
import os, sys, time
from dataclasses import dataclass
from pathlib import Path

import click

from safecompress_core.cli import group
from safecompress_core.execution.process_executor import ProcessExecutor
from safecompress_core.execution.units import Unit


@dataclass(frozen=True, kw_only=True)
class Hold(Unit):
    """Trains for a long time."""

    mark = ""

    def work(self):
        (self.folder / f"{self.label}.begun").write_text(str(os.getpid()))
        (self.folder / f"{self.label}.begun").rename(self.folder / f"{self.label}.pid")
        time.sleep(3600)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def workers(folder):
    with ProcessExecutor(2) as executor:
        list(executor.do([Hold(label=name, folder=folder) for name in "12"]))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def slow(folder):
    try:
        (folder / "1.pid").write_text(str(os.getpid()))
        time.sleep(3600)
    finally:
        (folder / "2.pid").write_text(str(os.getpid()))
        time.sleep(3600)


if __name__ == "__main__":
    group.COMMANDS["run"] = ("stand_in:workers", "")
    group.COMMANDS["audit"] = ("stand_in:slow", "")
    group.main()
'''


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until something holds, or fail after a time that is far more than it takes."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def pids(folder: Path) -> list[int]:
    """The processes that have begun."""
    return [int(path.read_text()) for path in sorted(folder.glob("*.pid"))]


@contextmanager
def handled_by_default(*, but: tuple[signal.Signals, ...]) -> Iterator[None]:
    """Let a process that is started meanwhile inherit no ignored signal but some.

    Whatever starts the tests may ignore signals: ``nohup`` does, and a shell for what it runs in
    the background.
    """
    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) or signal.SIG_DFL for number in ending}
    for number in ending:
        signal.signal(number, signal.SIG_IGN if number in but else signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Command:
    """A command in a session of its own, as a terminal starts it."""

    def __init__(self, folder: Path, name: str, *, ignored: tuple[signal.Signals, ...]) -> None:
        script = folder / "stand_in.py"
        script.write_text(COMMANDS)
        paths = [str(folder), os.environ.get("PYTHONPATH", "")]
        self.folder = folder
        with handled_by_default(but=ignored):
            self.process = subprocess.Popen(
                [sys.executable, str(script), name, str(folder)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )

    def wait_for(self, count: int) -> None:
        """Wait until so many processes have begun."""
        wait_for(lambda: len(pids(self.folder)) == count, f"{count} processes")

    def outcome(self) -> tuple[int, str]:
        """Exit code and standard error, when it has ended."""
        _, error = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, error


Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a command; what a failing test leaves of it is killed."""
    started: list[Command] = []

    def begin(name: str, *, ignored: tuple[signal.Signals, ...] = ()) -> Command:
        started.append(Command(tmp_path, name, ignored=ignored))
        return started[-1]

    yield begin
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
            command.process.communicate()


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (signal.SIGTERM, 143, "terminated; run the same command again to resume"),
        (signal.SIGHUP, 129, "terminated; run the same command again to resume"),
    ],
)
def test_a_command_that_is_terminated_takes_its_workers_along(
    start: Start, tmp_path: Path, number: signal.Signals, code: int, line: str
) -> None:
    """It says how to go on, and nothing else."""
    command = start("run")
    command.wait_for(2)

    command.process.send_signal(number)

    assert command.outcome() == (code, f"\n{line}\n")
    wait_for(lambda: not any(map(is_alive, pids(tmp_path))), "workers are gone")


def test_ctrl_c_is_quiet_in_the_workers_too(start: Start, tmp_path: Path) -> None:
    """A terminal sends it to every process of the command."""
    command = start("run")
    command.wait_for(2)

    os.killpg(command.process.pid, signal.SIGINT)

    line = "interrupted; run the same command again to resume"
    assert command.outcome() == (130, f"\n{line}\n")
    wait_for(lambda: not any(map(is_alive, pids(tmp_path))), "workers are gone")


def test_no_worker_outlives_a_command_that_is_killed(start: Start, tmp_path: Path) -> None:
    """Nobody is left to tell them; each watches for itself."""
    command = start("run")
    command.wait_for(2)

    command.process.kill()

    assert command.outcome()[0] == -signal.SIGKILL
    wait_for(lambda: not any(map(is_alive, pids(tmp_path))), "workers are gone")


def test_a_second_ctrl_c_ends_at_once_and_is_quiet(start: Start) -> None:
    """While the first one is still cleaning up."""
    command = start("audit")
    command.wait_for(1)
    command.process.send_signal(signal.SIGINT)
    command.wait_for(2)

    command.process.send_signal(signal.SIGINT)

    assert command.outcome() == (130, "")


def test_a_signal_that_the_caller_ignores_stays_ignored(start: Start) -> None:
    """As ``nohup`` asks for."""
    command = start("run", ignored=(signal.SIGHUP,))
    command.wait_for(2)

    command.process.send_signal(signal.SIGHUP)
    command.process.send_signal(signal.SIGTERM)

    assert command.outcome()[0] == 143
