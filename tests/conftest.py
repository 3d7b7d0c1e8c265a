"""Settings of property tests, tests that run on request, and processes for tests."""

import logging
import multiprocessing
import os
import re
import signal
from collections.abc import Iterator
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from safecompress_core.execution.worker_process import PRELOADED

# No example is held against a clock, which other work may stop.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ON_REQUEST = ("download", "network", "simulation")
"""Markers of tests that run only if ``-m`` names one of theirs."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what runs on request, whatever else ``-m`` says: ``pytest -m "not slow"``."""
    expression = config.option.markexpr
    unnamed = {mark for mark in ON_REQUEST if not re.search(rf"\b{mark}\b", expression)}
    deselected = {item for item in items if unnamed & {mark.name for mark in item.iter_markers()}}
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if item not in deselected]


@pytest.fixture(scope="session")
def forked() -> BaseContext:
    """Processes forked from a server that has imported what takes seconds, and has done nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, "sklearn.datasets"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONHASHSEED", "1")  # there, sets are gone through in another order
        forkserver.ensure_running()
    return context


@pytest.fixture
def forked_workers(forked: BaseContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are such processes, not fresh interpreters."""
    monkeypatch.setattr(multiprocessing, "get_context", lambda *_: forked)


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """A Ray cluster of two nodes on this machine, each with one CPU and a small object store."""
    pytest.importorskip("ray", reason="needs the extra 'ray'")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    # Ray handles signals of the driver in a way of its own.
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Its workers import the units that stand in for work.
        stand_ins = str(Path(__file__).parent / "core" / "execution")
        patch.setenv("PYTHONPATH", stand_ins, prepend=os.pathsep)
        logging.getLogger("ray").setLevel(logging.ERROR)
        cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        try:
            cluster.add_node(**node)
            yield cluster
        finally:
            cluster.shutdown()
            for number, handler in handlers.items():
                signal.signal(number, handler)
