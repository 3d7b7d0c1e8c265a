"""Settings of property tests, tests that run on request, and processes for tests."""

import multiprocessing
import re
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

import pytest
from hypothesis import settings

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
    context.set_forkserver_preload(
        ["safecompress_core.runs.run", "sklearn.datasets", "sklearn.linear_model", "torch._dynamo"]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONHASHSEED", "1")  # there, sets are gone through in another order
        forkserver.ensure_running()
    return context


@pytest.fixture
def forked_workers(forked: BaseContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are such processes, not fresh interpreters."""
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: forked)
