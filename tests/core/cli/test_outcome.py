"""Display and outcome of ``run`` and ``audit``."""

import sys
from pathlib import Path

import pytest

from safecompress_core.cli.display.lines import Lines
from safecompress_core.cli.display.live import LiveView
from safecompress_core.cli.display.observer import Display
from safecompress_core.cli.outcome import display_of
from safecompress_core.host import load_plugins
from safecompress_core.specfile.load import load_spec


@pytest.mark.parametrize(
    ("is_terminal", "kind", "display"),
    [(True, "xterm", LiveView), (True, "dumb", Lines), (False, "xterm", Lines)],
)
def test_only_a_terminal_that_can_be_redrawn_gets_the_view(
    tiny_spec: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
    kind: str,
    display: type[Display],
) -> None:
    """Standard error decides, since that is where progress goes."""
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)

    loaded = load_spec(tiny_spec, registry=load_plugins().registry)

    assert isinstance(display_of(loaded.spec), display)
