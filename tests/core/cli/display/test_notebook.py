"""Progress in a notebook."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from safecompress_core.cli.display.notebook import NotebookLines, NotebookView, is_notebook
from safecompress_core.cli.display.progress import Progress
from tests.core.fixtures.run_events import CARD, OUTLINE, attacked, ended, started, told

nbclient = pytest.importorskip("nbclient", reason="needs nbclient")
nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
pytest.importorskip("ipykernel", reason="needs ipykernel")


class Shown:
    """Stands for IPython's display: what is shown, and in place of what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.outputs: list[dict[str, str]] = []
        self.updates = 0
        fake = SimpleNamespace(display=self.display)
        monkeypatch.setitem(sys.modules, "IPython.display", fake)

    def display(self, shown: dict[str, str], *, raw: bool, display_id: bool) -> Any:
        """Show an output."""
        assert raw
        assert display_id
        self.outputs.append(shown)
        place = len(self.outputs) - 1

        def update(shown: dict[str, str], *, raw: bool) -> None:
            assert raw
            self.outputs[place] = shown
            self.updates += 1

        return SimpleNamespace(update=update)


def test_one_output_is_replaced_and_ends_as_a_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Below the data card; as text, and as HTML in which nothing of a spec is markup."""
    shown = Shown(monkeypatch)
    view = NotebookView(Progress(OUTLINE))

    told(
        view, started(tmp_path, name="<b>trial"), attacked("r1c1", "neural-blackbox", 0.123, done=3)
    )

    (output,) = shown.outputs
    assert "candidate 1 of 2 · attacking r1c1 with probe" in output["text/plain"]
    assert output["text/plain"].splitlines()[:2] == CARD
    assert "&lt;b&gt;trial" in output["text/html"]

    told(view, ended(passed=True))

    (output,) = shown.outputs
    assert shown.updates == 2
    assert output["text/plain"].splitlines()[2] == "<b>trial: 10/10 in 0:00"


def test_of_many_lines_the_last_ones_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one output."""
    shown = Shown(monkeypatch)
    lines = NotebookLines()
    for number in range(20):
        lines.write(f"run {number}")

    assert shown.outputs[0]["text/plain"].splitlines() == [f"run {n}" for n in range(12, 20)]
    assert len(shown.outputs) == 1


def test_this_process_is_no_notebook() -> None:
    """Though IPython may be imported."""
    assert not is_notebook()


@pytest.mark.slow
def test_a_run_in_a_kernel_leaves_two_short_outputs(tmp_path: Path) -> None:
    """What is left of its progress, and its result; nothing on standard error."""
    code = """
import safecompress as sc
spec = {
    "version": 1, "name": "kernel", "device": "cpu", "training": {"epochs": 3},
    "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [8]}},
    "method": {"type": "prune", "density": 0.5},
    "audit": {"attackers": [{"type": "loss-threshold"}]},
}
sc.run(spec)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])

    nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()

    progress, result = notebook.cells[0].outputs
    assert (progress.output_type, result.output_type) == ("display_data", "execute_result")
    last = progress.data["text/plain"].splitlines()[-1]
    assert last.startswith("kernel: ")
    assert "<table" in result.data["text/html"]
