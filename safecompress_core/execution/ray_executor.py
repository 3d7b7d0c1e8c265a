"""Executor on a Ray cluster: Ray places units, pins devices and tries lost units again.

Every unit is done in a folder of its own on its node, and its files come back to the driver, which
alone writes results. So nothing is done twice in them, and nodes need no common file system.
"""

import os
import platform
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from safecompress_core.errors import ExecutionError, SafeCompressError
from safecompress_core.execution.executor import AnyUnit, Executor
from safecompress_core.execution.process_executor import RETRIES
from safecompress_core.execution.ray_cluster import (
    connect,
    packages_by_node,
    require_packages,
    require_resources,
)
from safecompress_core.execution.ray_worker import do_on_worker
from safecompress_core.execution.settings import Execution
from safecompress_core.execution.transfer import (
    files_to_send,
    plugin_files,
    sha256_of,
    take_changes,
)
from safecompress_core.execution.units import Unit
from safecompress_core.version import installed_version

__all__ = ["RayExecutor", "open_ray"]

LOOK = 1.0
"""Seconds after which a wait for units looks for an interrupt."""

REASONS = {
    "ObjectStoreFullError": "the object store is full, and could not spill to disk",
    "OutOfDiskError": "the disk that the object store spills to is full",
    "OutOfMemoryError": "memory is not enough on its node",
    "WorkerCrashedError": "its worker process has died: it was killed, or memory was not enough",
    "NodeDiedError": "its node has left the cluster",
}


def open_ray(execution: Execution) -> "RayExecutor":
    """Connect with a cluster, and check its packages.

    Raises:
        ExecutionError: if the address does not answer, or a node has another version.
    """
    connect(execution)
    try:
        executor = RayExecutor(execution.workers, gpu_share=execution.gpu_share)
        python = platform.python_version()
        executor.require((("python", python), ("safecompress", installed_version())))
    except BaseException:
        ray.shutdown()
        raise
    return executor


class RayExecutor(Executor):
    """Does units on the cluster that this process is connected with.

    Args:
        workers: how many units are done at once.
        gpu_share: GPUs that a unit takes where it computes on one; 1 by default.
    """

    def __init__(self, workers: int, *, gpu_share: float | None = None) -> None:
        self.workers = workers
        self._gpu_share = gpu_share
        self._packages = packages_by_node()
        # By content, so that each is sent once, whatever reads it.
        self._sent: dict[str, ray.ObjectRef[bytes]] = {}
        self._running: dict[ray.ObjectRef[Any], int] = {}

    def require(self, distributions: Sequence[tuple[str, str | None]]) -> None:
        """Check that each node has these distributions.

        Raises:
            ExecutionError: at the first that is missing, or of another version.
        """
        require_packages(distributions, self._packages)

    def do(
        self, units: Sequence[AnyUnit], *, here: Callable[[AnyUnit], None] | None = None
    ) -> Iterator[AnyUnit]:
        """Keep as many units in work as there are workers, and write what comes back."""
        if not units:
            return
        gpus = max(self._gpus(unit) for unit in units)
        require_resources(threads=max(unit.threads for unit in units), gpus=gpus)
        waiting = deque(range(len(units)))
        try:
            while waiting or self._running:
                while waiting and len(self._running) < self.workers:
                    index = waiting.popleft()
                    self._running[self._submit(units[index])] = index
                # A bounded wait, in which Python handles signals.
                done, _ = ray.wait(list(self._running), timeout=LOOK)
                for reference in done:
                    unit = units[self._running.pop(reference)]
                    changes = with_reasons(partial(ray.get, reference), unit)
                    take_changes(changes, unit)
                    yield unit
        finally:
            self._cancel()

    def _gpus(self, unit: Unit) -> float:
        """Return the GPUs of a unit: none for one that computes on the processor."""
        if unit.device == "cpu":
            return 0.0
        return 1.0 if self._gpu_share is None else self._gpu_share

    def _submit(self, unit: Unit) -> Any:
        """Have the cluster do a unit, and return the reference of its changes."""

        def submit() -> Any:
            task = ray.remote(do_on_worker).options(
                num_cpus=unit.threads,
                num_gpus=self._gpus(unit),
                max_retries=RETRIES,
                name=unit.label,
            )
            files = [
                (path.relative_to(unit.folder).as_posix(), self._send(path))
                for path in files_to_send(unit)
            ]
            plugins = [(path.name, self._send(path)) for path in plugin_files(unit)]
            return task.remote(unit, files, plugins, os.getcwd())  # noqa: PTH109  a plain value

        return with_reasons(submit, unit)

    def _send(self, path: Path) -> "ray.ObjectRef[bytes]":
        """Return the reference of a file's content, which the cluster gets once."""
        content = path.read_bytes()
        digest = sha256_of(content)
        if digest not in self._sent:
            self._sent[digest] = ray.put(content)
        return self._sent[digest]

    def _cancel(self) -> None:
        """Stop what is in work; a unit that raised skips those that are not finished."""
        for reference in self._running:
            ray.cancel(reference, force=True)
        self._running.clear()

    def close(self, *, is_interrupted: bool = False) -> None:
        """Leave the cluster; one that was started here ends."""
        self._sent.clear()
        ray.shutdown()


def with_reasons(call: Callable[[], Any], unit: Unit) -> Any:
    """Call Ray, and say in our words what went wrong.

    Raises:
        ExecutionError: for a failure of the cluster.
        Exception: that of the unit.
    """
    try:
        return call()
    except RayTaskError as error:
        # The unit's own error; Ray's has the same words behind a traceback.
        cause = error.cause
        if isinstance(cause, RayError):
            raise _failure(cause, unit) from error
        raise cause from (None if isinstance(cause, SafeCompressError) else error)
    except RayError as error:
        raise _failure(error, unit) from error


def _failure(error: RayError, unit: Unit) -> ExecutionError:
    """Return the error that names a unit and what befell it."""
    kind = type(error).__name__
    first, *_ = str(error).splitlines() or [""]
    reason = REASONS.get(kind, f"{kind}: {first}")
    return ExecutionError(
        f"{unit.label}: {reason}; it was tried {RETRIES + 1} times: run the same line again, with "
        "fewer --workers if memory is short"
    )
