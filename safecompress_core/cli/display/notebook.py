"""Progress in a notebook: one output of a cell, which is replaced as the run goes on."""

from collections import deque
from collections.abc import Mapping
from importlib import import_module
from io import StringIO
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from safecompress_core.cli.display.live import draw_progress
from safecompress_core.cli.display.observer import Display
from safecompress_core.cli.display.progress import Progress
from safecompress_core.report.formatting import duration

__all__ = ["CellOutput", "NotebookLines", "NotebookView", "is_notebook"]

Event = Mapping[str, Any]

WIDTH = 100
LINES_SHOWN = 8
PRE = '<pre style="white-space: pre; overflow-x: auto; line-height: normal">{code}</pre>'


def is_notebook() -> bool:
    """Return whether this process is the kernel of a notebook, of Jupyter or another make."""
    return Console().is_jupyter


class CellOutput:
    """An output of the current cell, as text and as HTML, made when it is first shown."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, view: RenderableType) -> None:
        """Show something instead of what was shown before."""
        console = Console(file=StringIO(), record=True, width=WIDTH, force_jupyter=False)
        console.print(view)
        html = console.export_html(inline_styles=True, code_format=PRE, clear=False)
        shown = {"text/plain": console.export_text().rstrip(), "text/html": html}
        if self._handle is None:
            show = import_module("IPython.display").display
            self._handle = show(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)


class NotebookView(Display):
    """Shows the run's progress while it lasts, and one line when it is finished."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress)
        self._output = CellOutput()
        self._written: list[str] = []

    def show(self, event: Event) -> None:
        """Draw what an event has changed."""
        progress = self._progress
        if event["event"] == "run_finished":
            done = f"{progress.done}/{progress.total} in {duration(progress.running_seconds)}"
            self._draw(Text(f"{progress.name}: {done}"))
            return
        self._draw(draw_progress(progress, width=WIDTH))

    def write(self, text: str) -> None:
        """Keep a line above the view."""
        self._written.append(text)

    def _draw(self, view: RenderableType) -> None:
        self._output.show(Group(*map(Text, self._written), view))


class NotebookLines:
    """The last lines of what is said."""

    def __init__(self) -> None:
        self._output = CellOutput()
        self._lines: deque[str] = deque(maxlen=LINES_SHOWN)

    def write(self, line: str) -> None:
        """Show a line below the last ones."""
        self._lines.append(line)
        self._output.show(Group(*map(Text, self._lines)))
