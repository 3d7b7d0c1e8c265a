"""Settings of execution: which executor does the units of work, and on how much of the machine."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, TypeAlias, get_args

from safecompress_core.errors import ExecutionError, MissingExtraError
from safecompress_core.execution.executor import Executor, LocalExecutor

__all__ = ["EXECUTORS", "HERE", "Execution", "ExecutorName", "begin_to_start", "open_executor"]

ExecutorName: TypeAlias = Literal["local", "processes", "ray"]

EXECUTORS: tuple[ExecutorName, ...] = get_args(ExecutorName)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """How units of work are done; results do not depend on it.

    Attributes:
        executor: by name; None for processes where there are several workers, else this process.
        workers: how many units are done at once.
        address: of a Ray cluster, ``HOST:PORT``; ``auto`` for the one that this machine belongs to.
            None for a cluster that is started here, and ends with the command.
        devices: CUDA devices that workers are pinned to, in turn; none leaves them all.
        gpu_share: GPUs that a unit takes on Ray; below 1, several units share one.

    Raises:
        ExecutionError: if they do not fit each other.
    """

    executor: ExecutorName | None = None
    workers: int = 1
    address: str | None = None
    devices: tuple[int, ...] = ()
    gpu_share: float | None = None

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise ExecutionError(problem)

    def _problem(self) -> str | None:
        """Return the first rule that is broken, with its value and a hint; None for none."""
        name, share = self.name, self.gpu_share
        without_ray = f"and the executor is {name}; leave it out, or write --executor ray"
        devices = ",".join(map(str, self.devices))
        rules = (
            (name in EXECUTORS, f"executor: {name!r} is none; write {', '.join(EXECUTORS)}"),
            (self.workers >= 1, f"workers: {self.workers} is too few; write at least 1"),
            (
                name != "local" or self.workers == 1,
                f"workers: local does 1 at a time, not {self.workers}; write --executor processes",
            ),
            (name == "ray" or self.address is None, f"address: only ray has one, {without_ray}"),
            (name == "ray" or share is None, f"resources: only ray divides GPUs, {without_ray}"),
            (
                share is None or 0 < share <= 1 or (share > 1 and not share % 1),
                f"resources: gpu is {share}; write a share up to 1, or a whole number",
            ),
            (
                name == "processes" or not self.devices,
                f"devices: {name} does not pin units to {devices}; write --executor processes",
            ),
            (
                len(set(self.devices)) == len(self.devices),
                f"devices: {devices} names one twice; name each once",
            ),
        )
        return next((message for is_kept, message in rules if not is_kept), None)

    @property
    def name(self) -> ExecutorName:
        """Return the name of the executor."""
        if self.executor is not None:
            return self.executor
        return "processes" if self.workers > 1 else "local"


HERE = Execution()
"""Units are done in this process, one after the other."""


def begin_to_start(execution: Execution) -> None:
    """Start in the background what `open_executor` needs; call it before torch is imported here."""
    if execution.name == "processes":
        from safecompress_core.execution.worker_process import start_server  # noqa: PLC0415

        start_server()


def open_executor(execution: Execution) -> Executor:
    """Return the executor, ready for units; as a context manager it is closed at its end.

    Raises:
        MissingExtraError: if Ray is not installed.
        ExecutionError: if a cluster does not answer or has other packages, or if there are fewer
            devices than asked for.
    """
    # Imported here: a local run needs neither torch's devices nor Ray.
    if execution.name == "ray":
        if find_spec("ray") is None:
            raise MissingExtraError("ray", extra="ray")
        from safecompress_core.execution.ray_executor import open_ray  # noqa: PLC0415

        return open_ray(execution)
    if execution.name == "processes":
        from safecompress_core.execution.process_executor import ProcessExecutor  # noqa: PLC0415

        require_devices(execution.devices)
        return ProcessExecutor(execution.workers, devices=execution.devices)
    return LocalExecutor()


def require_devices(devices: tuple[int, ...]) -> None:
    """Check that this machine has the CUDA devices that are asked for.

    Raises:
        ExecutionError: if it has fewer.
    """
    if not devices:
        return
    import torch  # noqa: PLC0415  only where devices are named

    count = torch.cuda.device_count()
    if max(devices) >= count:
        there = f"devices 0 to {count - 1}" if count else "no CUDA device"
        raise ExecutionError(
            f"devices: {max(devices)} is asked for, and this machine has {there} that torch can "
            "use; name only those with --devices"
        )
