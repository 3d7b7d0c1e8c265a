"""Connection to a Ray cluster that answers, and has the packages and devices that units need."""

import logging
import os
import socket
import time
from collections.abc import Sequence
from threading import Thread
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from safecompress_core.errors import ExecutionError
from safecompress_core.execution.process_executor import available_cores
from safecompress_core.execution.ray_worker import list_packages
from safecompress_core.execution.settings import Execution

__all__ = ["connect", "packages_by_node", "require_packages", "require_resources"]

ANSWER = 10.0
"""Seconds within which an address must answer."""
STORE = 200 * 2**20
"""Bytes of the object store of a cluster that is started here; what is more is spilled to disk."""
QUIET: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}


def connect(execution: Execution) -> None:
    """Connect this process with the cluster of the settings, or start one on this machine.

    Raises:
        ExecutionError: if the address does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anyone
    address = execution.address
    if address is None:
        ray.init(
            address="local",
            num_cpus=max(execution.workers, available_cores()),
            object_store_memory=STORE,
            include_dashboard=False,
            **QUIET,
        )
        return
    deadline = time.monotonic() + ANSWER
    if address != "auto":
        _require_listener(address)
    outcome: list[BaseException | None] = []

    def begin() -> None:
        try:
            ray.init(address=address, **QUIET)
            outcome.append(None)
        # Whatever Ray raises is reported by the thread that waits.
        except BaseException as error:  # noqa: BLE001
            outcome.append(error)

    # In a thread, since Ray waits for minutes for what listens and is no Ray.
    thread = Thread(target=begin, name="connection with Ray", daemon=True)
    thread.start()
    thread.join(deadline - time.monotonic())
    failure = outcome[0] if outcome else f"no answer within {ANSWER:g} s"
    if failure is not None:
        raise _no_answer(address, failure)


def _require_listener(address: str) -> None:
    """Check that something listens at ``HOST:PORT``."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ExecutionError(
            f"address: {address!r} is no address of Ray; write HOST:PORT as 'ray start --head' "
            "prints it, or auto"
        )
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER / 2).close()
    except (OSError, OverflowError) as error:
        raise _no_answer(address, error) from None


def _no_answer(address: str, reason: object) -> ExecutionError:
    return ExecutionError(
        f"address: no Ray cluster answers at {address} ({reason}); start one with 'ray start "
        "--head', or leave --address out to use this machine alone"
    )


def packages_by_node() -> dict[str, dict[str, str]]:
    """Return the packages of each node by its address.

    Raises:
        ExecutionError: if safecompress is missing on a node.
    """
    ask = ray.remote(list_packages)
    packages: dict[str, dict[str, str]] = {}
    for node in _nodes():
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        try:
            answer = ask.options(num_cpus=0, scheduling_strategy=there).remote()
            packages[node["NodeManagerAddress"]] = ray.get(answer)
        except ray.exceptions.RayError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ExecutionError(
                f"node {node['NodeManagerAddress']} cannot import safecompress ({reason}); install "
                "there what is installed here"
            ) from None
    return packages


def require_packages(
    needs: Sequence[tuple[str, str | None]], packages: dict[str, dict[str, str]]
) -> None:
    """Check that each node has the packages that are used here.

    Args:
        needs: name and version of each distribution.
        packages: of each node, as `packages_by_node` returns them.

    Raises:
        ExecutionError: at the first package that a node lacks or has in another version.
    """
    for node, installed in packages.items():
        for name, version in needs:
            if (there := installed.get(name)) != version:
                found = f"{name} {there}" if there else f"no {name}"
                raise ExecutionError(
                    f"node {node} has {found}, and this machine has {name} {version}: results "
                    "would depend on where a unit is done; install the same version there"
                )


def require_resources(*, threads: int, gpus: float) -> None:
    """Check that a node can hold a unit; Ray would wait for such a node for ever.

    Raises:
        ExecutionError: if none can.
    """
    resources = [node["Resources"] for node in _nodes()]
    most = {name: max(has.get(name, 0.0) for has in resources) for name in ("CPU", "GPU")}
    for name, needed, hint in (
        ("CPU", threads, "lower training.threads"),
        ("GPU", gpus, "lower it with --resources gpu=SHARE, or write --device cpu"),
    ):
        if needed > most[name]:
            raise ExecutionError(
                f"resources: a unit takes {needed:g} {name}, and the node of the cluster with most "
                f"has {most[name]:g}; {hint}"
            )


def _nodes() -> list[dict[str, Any]]:
    """Return the nodes that are alive."""
    return [node for node in ray.nodes() if node["Alive"]]
