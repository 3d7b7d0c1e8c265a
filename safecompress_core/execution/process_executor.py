"""Executor by processes of this machine, each with a pool of its own from `concurrent.futures`.

A pool whose process dies is broken as a whole. With one process a pool it is known which unit was
lost, the others stay at work, and each process has a device of its own.
"""

import logging
import multiprocessing
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess

from safecompress_core.errors import SafeCompressError
from safecompress_core.execution.executor import AnyUnit, Executor
from safecompress_core.execution.units import Unit, do_unit
from safecompress_core.execution.worker_process import (
    begin_worker,
    start_server,
    without_interrupts,
    worker_context,
)

__all__ = ["RETRIES", "ProcessExecutor", "available_cores"]

logger = logging.getLogger(__name__)

RETRIES = 2
"""How often a unit is done again whose process has died."""


def available_cores() -> int:
    """Return the number of processor cores that this process may use."""
    # The affinity, since a container or a batch system may grant fewer than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _visible_name(device: int) -> str | None:
    """Return a device as CUDA counts it, where this process sees only some of the machine's."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible.split(",")[device].strip() if visible else str(device)


class _Seat:
    """One process at most, started when it is first needed and replaced when it has died.

    Args:
        device: name of the CUDA device that it sees; None for all of them.
    """

    def __init__(self, device: str | None) -> None:
        self._device = device
        self._pool: ProcessPoolExecutor | None = None
        self._processes: set[BaseProcess] = set()

    def submit(self, unit: Unit) -> Future[None]:
        """Have the process do a unit."""
        # Children of the caller are not ours to kill.
        before = set(multiprocessing.active_children())
        # Workers start while Ctrl-C is blocked, so none dies between start and ``begin_worker``.
        with without_interrupts():
            try:
                future = self._ready_pool().submit(do_unit, unit)
            except BrokenProcessPool:  # it has died with nothing to do
                self.close(is_interrupted=True)
                future = self._ready_pool().submit(do_unit, unit)
        self._processes |= set(multiprocessing.active_children()) - before
        return future

    def _ready_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                1,
                mp_context=worker_context(),
                initializer=begin_worker,
                initargs=(dict(os.environ), self._device),
            )
        return self._pool

    def close(self, *, is_interrupted: bool) -> None:
        """End the process."""
        if is_interrupted:
            for process in self._processes:
                process.kill()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None
        self._processes.clear()


class ProcessExecutor(Executor):
    """Does units in processes of this machine, which stay until it is closed.

    Processes do not outlive this one, however it ends, and end with it when it is interrupted.

    Args:
        workers: how many units are done at once.
        devices: CUDA devices that the processes are pinned to, in turn; none leaves them all.
    """

    def __init__(self, workers: int, *, devices: Sequence[int] = ()) -> None:
        self.workers = workers
        pinned = [_visible_name(device) for device in devices] or [None]
        self._seats = [_Seat(pinned[index % len(pinned)]) for index in range(workers)]
        start_server()

    def do(
        self, units: Sequence[AnyUnit], *, here: Callable[[AnyUnit], None] | None = None
    ) -> Iterator[AnyUnit]:
        """Do units side by side; a unit whose process dies is done again by another one."""
        waiting, lost = deque(range(len(units))), Counter[int]()
        free = self._seats[: self._seats_for(units)]
        running: dict[Future[None], tuple[_Seat, int]] = {}
        try:
            while waiting or running:
                while waiting and free:
                    seat, index = free.pop(0), waiting.popleft()
                    running[seat.submit(units[index])] = (seat, index)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    seat, index = running.pop(future)
                    free.append(seat)
                    if self._is_done(future, seat, units[index], lost[index]):
                        yield units[index]
                    else:
                        lost[index] += 1
                        waiting.append(index)
        finally:
            # After an error: what is in work is awaited, since its results are kept. After an
            # interrupt the processes are killed by ``close``, and their pools are broken.
            for future in running:
                future.cancel()

    def _is_done(self, future: Future[None], seat: _Seat, unit: Unit, lost: int) -> bool:
        """Return whether a unit is done; False if its process has died, and it is tried again."""
        try:
            # Raises what the unit raised.
            future.result()
        except BrokenProcessPool:
            seat.close(is_interrupted=True)
            if lost == RETRIES:
                raise SafeCompressError(
                    f"{unit.label}: its worker process has died {lost + 1} times: it was killed, "
                    "or memory was not enough; run the same line again, with fewer --workers"
                ) from None
            logger.warning("%s: its worker process has died; it is done again", unit.label)
            return False
        return True

    def _seats_for(self, units: Sequence[Unit]) -> int:
        """Return how many units are done at once: as many as the cores have threads for."""
        threads = max((unit.threads for unit in units), default=1)
        # A single thread a unit is what was asked for by the number of workers.
        if threads == 1:
            return self.workers
        seats = min(self.workers, max(1, available_cores() // threads))
        if seats < self.workers:
            logger.warning(
                "%d of %d workers are used: a unit has %d threads, and this machine %d cores; with "
                "threads: 1 all of them are (and bytes may differ)",
                seats, self.workers, threads, available_cores(),
            )  # fmt: skip
        return seats

    def require(self, distributions: Sequence[tuple[str, str | None]]) -> None:
        """Return: the processes import what this one does."""

    def close(self, *, is_interrupted: bool = False) -> None:
        """End all processes."""
        for seat in self._seats:
            seat.close(is_interrupted=is_interrupted)
