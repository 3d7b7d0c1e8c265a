"""Does independent units of work: one after the other here, or side by side in other processes.

Where a unit is done must not show in what comes of it, so a unit takes all that it needs from its
own description and leaves its result in a file.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from typing import TypeVar

from safecompress_core.errors import SafeCompressError

__all__ = ["run_units"]

Unit = TypeVar("Unit")


def run_units(
    work: Callable[[Unit], None], units: Sequence[Unit], *, workers: int
) -> Iterator[Unit]:
    """Do all units and yield each as soon as it is done.

    Args:
        work: does one unit. With several workers it goes to another interpreter, so it and the
            units must be picklable: a function of a module, or a ``partial`` of one.
        units: what there is to do, in no order that matters.
        workers: how many processes work at once; with 1 it is this one.

    Yields:
        The finished units: in their order for one worker, else as they finish.

    Processes do not outlive this one, however it ends, and end with it when it is interrupted.

    Raises:
        SafeCompressError: if a process dies.
        Exception: whatever ``work`` raises; units that have not begun are skipped then.
    """
    if min(workers, len(units)) <= 1:
        # In order and in this process: no pickling, and debuggers work.
        for unit in units:
            work(unit)
            yield unit
        return
    # Children of the caller are not ours to kill.
    before = set(multiprocessing.active_children())
    # Fresh interpreters: a forked copy of one whose torch has threads may hang.
    pool = ProcessPoolExecutor(
        min(workers, len(units)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_watch_parent,
    )
    try:
        # Workers start while Ctrl-C is blocked, so none dies between start and ``_watch_parent``.
        with _without_interrupts():
            waiting: dict[Future[None], Unit] = {pool.submit(work, unit): unit for unit in units}
        for future in as_completed(waiting):
            # Raises what the unit raised.
            future.result()
            yield waiting[future]
    except BrokenProcessPool:
        raise SafeCompressError(
            "a worker process has died: it was killed, or memory was not enough; run the same line "
            "again, with fewer --workers"
        ) from None
    except Exception:
        # The unit's own error; ``finally`` cancels the rest.
        raise
    except BaseException:  # an interrupt: whatever the processes are at is not waited for
        for process in set(multiprocessing.active_children()) - before:
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back; a process that is started within does not get it before `_watch_parent`."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _watch_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it is gone, whatever this process is at."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    parent = multiprocessing.parent_process()
    assert parent is not None  # for a worker alone

    def watch() -> None:
        # The sentinel becomes ready when the parent ends, in whatever way.
        connection.wait([parent.sentinel])
        # No cleanup: exit handlers could hang on locks that the parent held.
        os._exit(1)

    threading.Thread(target=watch, name="watch of the parent", daemon=True).start()
