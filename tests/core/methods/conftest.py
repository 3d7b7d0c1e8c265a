"""Contexts that methods work in."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodContext
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog

Prepare = Callable[..., RunContext]
Events = list[Mapping[str, Any]]


@pytest.fixture
def events() -> Events:
    """What the method tells."""
    return []


@pytest.fixture
def workshop(prepare: Prepare, tmp_path: Path, events: Events) -> Callable[..., MethodContext]:
    """Makes workshops of a small spec with some of its fields changed."""

    def made(**changes: Any) -> MethodContext:
        run_context = prepare(**changes)
        return run_context.method_context(
            "method",
            big=None,
            checkpoints=Checkpoints(tmp_path / "checkpoints"),
            archived=lambda name: tmp_path / "archive" / f"{name}.safetensors",
            events=EventLog(events.append, total=run_context.method.units()),
        )

    return made
