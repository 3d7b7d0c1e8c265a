"""Start of worker processes: forked from a server, or fresh; each ends with its parent.

Importing torch and what runs need takes seconds of processor time. On Linux a *fork server*, a
process that has imported it and done nothing else, is forked for each worker. A forked copy of the
command itself could hang: its torch has threads.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import connection, forkserver
from multiprocessing.context import BaseContext

__all__ = ["PRELOADED", "begin_worker", "start_server", "without_interrupts", "worker_context"]

PRELOADED = (
    "safecompress_core.runs.run",
    # Imported by the first optimizer that is made.
    "torch._dynamo",
    "sklearn.linear_model",
)
"""Modules that the fork server imports."""


def worker_context() -> BaseContext:
    """Return how worker processes are started on this system."""
    # macOS: forked copies of processes that have loaded its frameworks crash.
    has_server = "forkserver" in multiprocessing.get_all_start_methods()
    return multiprocessing.get_context(
        "forkserver" if has_server and sys.platform != "darwin" else "spawn"
    )


def start_server() -> None:
    """Start the fork server where there is one; it imports while this process goes on.

    One that is there already stays, whatever it has imported: workers import what is missing.
    """
    context = worker_context()
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(list(PRELOADED))
        # The server would otherwise be interrupted with this process while it imports, and would
        # import modules of the working directory that are called like those of Python.
        with without_interrupts(), _safe_path():
            forkserver.ensure_running()


@contextmanager
def _safe_path() -> Iterator[None]:
    """Have a Python that is started within search no working directory for modules."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        del os.environ["PYTHONSAFEPATH"]
        if before is not None:
            os.environ["PYTHONSAFEPATH"] = before


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


def begin_worker(environment: Mapping[str, str], device: str | None) -> None:
    """Prepare a process: leave Ctrl-C to the parent, end when it is gone, and see one device.

    Args:
        environment: the parent's environment variables.
        device: name of the CUDA device that the process sees, as its device 0; None for all.
    """
    # A fork server has those of the time when it was started.
    os.environ.clear()
    os.environ.update(environment)
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
