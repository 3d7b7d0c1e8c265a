"""Start of a worker process: it leaves Ctrl-C to its parent, and never outlives it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection

__all__ = ["begin_worker", "without_interrupts"]


@contextmanager
def without_interrupts() -> Iterator[None]:
    """Hold Ctrl-C back; a process that is started within does not get it before `begin_worker`."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin_worker(device: str | None) -> None:
    """Prepare a process: leave Ctrl-C to the parent, end when it is gone, and see one device.

    Args:
        device: name of the CUDA device that the process sees, as its device 0; None for all.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if device is not None:
        # CUDA reads it when it is first used, which no worker has done before.
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    parent = multiprocessing.parent_process()
    assert parent is not None  # for a worker alone

    def watch() -> None:
        # The sentinel becomes ready when the parent ends, in whatever way.
        connection.wait([parent.sentinel])
        # No cleanup: exit handlers could hang on locks that the parent held.
        os._exit(1)

    threading.Thread(target=watch, name="watch of the parent", daemon=True).start()
