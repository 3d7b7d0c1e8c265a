"""The progress of a run, and a view of it."""

from collections.abc import Iterator
from io import StringIO

import pytest
from rich.console import Console

from safecompress_core.cli.display.live import LiveView
from safecompress_core.cli.display.progress import Progress
from tests.core.fixtures.run_events import OUTLINE, Clock


@pytest.fixture
def clock() -> Clock:
    """The time that the display reads."""
    return Clock()


@pytest.fixture
def progress(clock: Clock) -> Progress:
    """The progress of a run of three rounds."""
    return Progress(OUTLINE, clock=clock)


@pytest.fixture
def view(progress: Progress) -> Iterator[LiveView]:
    """A view that is drawn 80 columns wide."""
    console = Console(file=StringIO(), width=80, height=40, force_terminal=True)
    with LiveView(progress, console=console) as view:
        yield view
