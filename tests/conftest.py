"""How property tests are run, and processes for tests that need some of their own."""

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

import pytest
from hypothesis import settings

# No example is held against a clock, which other work may stop.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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
