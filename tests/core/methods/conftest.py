"""Contexts that methods work in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodContext, MethodPart
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


class Elsewhere:
    """Does parts with contexts of its own, as another process would; stops after some."""

    def __init__(
        self,
        prepare: Prepare,
        changes: Mapping[str, Any],
        checkpoints: Path,
        *,
        stops_after: int = 100,
    ) -> None:
        self.done: list[MethodPart] = []
        self._prepare = prepare
        self._changes = changes
        self._checkpoints = checkpoints
        self._stops_after = stops_after

    def __call__(self, parts: Sequence[MethodPart]) -> Iterator[MethodPart]:
        # Not in their order: whatever is done first must not matter.
        for part in reversed(parts):
            if len(self.done) == self._stops_after:
                raise KeyboardInterrupt
            run_context = self._prepare(**self._changes)
            context = run_context.method_context(
                "method",
                big=None,
                checkpoints=Checkpoints(self._checkpoints),
                archived=Path,
                events=EventLog(),
            )
            run_context.method.do_part(context, part)
            self.done.append(part)
            yield part


@pytest.fixture
def elsewhere_of(prepare: Prepare) -> Callable[..., Elsewhere]:
    """Makes what does parts of a small spec with some of its fields changed."""
    return partial(Elsewhere, prepare)
