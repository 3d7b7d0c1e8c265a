"""Consoles, with and without colours."""

import pytest

from safecompress_core.cli.display.consoles import output_console
from safecompress_core.cli.display.tables import draw_table as drawn_table
from safecompress_core.report.summary import Cell, ResultTable, Row


@pytest.mark.parametrize("wanted", ["", "1"])
def test_no_colour_means_no_bold_text_either(
    wanted: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tables on a terminal then have no escape codes."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", wanted)
    table = ResultTable(
        "Sizes", ("of all",), (Row("weights", note="heading"), Row("a", (Cell("1"),)))
    )

    output_console().print(drawn_table(table))

    assert ("\x1b[" in capsys.readouterr().out) == (not wanted)
