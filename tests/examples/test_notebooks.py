"""Notebooks: each of them runs from its first cell to its last, and shows what it computed."""

from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs nbformat")
client = pytest.importorskip("nbclient", reason="needs nbclient")
pytest.importorskip("ipykernel", reason="needs ipykernel")

MOST_LINES = 12
"""Lines of an output that shows progress: of the data card, and of what was done."""
NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))


def code_cells(notebook: Any) -> list[Any]:
    """Return the cells of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_three() -> None:
    """To compress, to audit, and to write an attack."""
    assert [notebook.stem for notebook in NOTEBOOKS] == ["attack", "audit", "compress"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_in_an_empty_folder(path: Path, tmp_path: Path) -> None:
    """Every cell that showed something when it was written shows something again."""
    written = nbformat.read(path, as_version=4)
    notebook = nbformat.read(path, as_version=4)

    # Raises where a cell does.
    client.NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()

    for before, after in zip(code_cells(written), code_cells(notebook), strict=True):
        assert before.execution_count == after.execution_count
        kinds = [output.output_type for output in after.outputs]
        # Progress is an output of its own, which ends as a line or a few.
        progress = [one.data["text/plain"] for one in after.outputs[:-1]]
        assert set(kinds[:-1]) <= {"display_data"}
        assert all(len(text.splitlines()) <= MOST_LINES for text in progress)
        assert kinds[-1] == "execute_result"
        assert [output.output_type for output in before.outputs] == ["execute_result"]
