"""Runs with and without a display."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.cli.display.observer import Display
from safecompress_core.cli.display.progress import Outline, Progress
from safecompress_core.cli.watched_run import watched_run
from safecompress_core.errors import TrainingDivergedError
from safecompress_core.execution.settings import Execution
from safecompress_core.host import load_plugins
from safecompress_core.runs import run as runs
from safecompress_core.specfile.load import load_spec


class Recorder(Display):
    """Keeps what it is shown."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress)
        self.shown: list[str] = []

    def open(self) -> None:
        self.shown.append("open")

    def close(self) -> None:
        self.shown.append("close")

    def show(self, event: Mapping[str, Any]) -> None:
        self.shown.append(str(event["event"]))

    def write(self, text: str) -> None:
        """Lines are no part of the test."""


def test_a_display_is_closed_also_where_a_run_diverges(
    tiny_spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the error names the last round that was finished: the tenth comes after the ninth."""
    host = load_plugins()
    loaded = load_spec(tiny_spec, registry=host.registry)
    display = Recorder(Progress(Outline.of(loaded.spec)))
    directory = runs.run_directory(loaded, host.registry, tmp_path)
    for number in (9, 10):
        kept = directory / "checkpoints" / "method" / f"round-{number}"
        kept.mkdir(parents=True)
        (kept / "record.json").touch()

    def diverge(*_: Any, **__: Any) -> None:
        raise TrainingDivergedError("the loss is NaN")

    monkeypatch.setattr(runs, "run_spec", diverge)

    with pytest.raises(TrainingDivergedError, match="the last finished round, 10, is kept in"):
        watched_run(loaded, host, runs=tmp_path, display=display)
    assert display.shown == ["open", "close"]


def test_without_a_display_only_the_plugins_get_the_events(
    tiny_spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is the same."""
    host = load_plugins()
    loaded = load_spec(tiny_spec, registry=host.registry)
    given: dict[str, Any] = {}
    monkeypatch.setattr(runs, "run_spec", lambda *_, **options: given.update(options))

    execution = Execution(workers=3)
    watched_run(loaded, host, runs=tmp_path, display=None, execution=execution)

    asked = (given["runs"], given["execution"], given["observers"])
    assert asked == (tmp_path, execution, host.notify)
