"""Tables and findings on a terminal or in a plain file."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from safecompress_core.cli.display.tables import draw_table, draw_verdict, print_places
from safecompress_core.report.summary import Cell, ResultTable, Row
from safecompress_core.report.verdict import VerdictFinding


def plain(drawing: RenderableType) -> list[str]:
    """Lines of the output on 80 columns, without trailing blanks."""
    console = Console(file=StringIO(), width=80, record=True)
    console.print(drawing)
    return [" ".join(line.split()) for line in console.export_text().splitlines()]


def test_a_table_has_its_title_headings_and_notes() -> None:
    """The note of a figure follows it; that of a heading is in brackets."""
    table = ResultTable(
        "Sizes",
        ("before", "after"),
        (
            Row("weights", note="of all"),
            Row("bytes", (Cell("900"), Cell("90", note="10 %"))),
        ),
    )

    lines = plain(draw_table(table))

    assert lines[0] == "Sizes"
    assert lines[1] == "before after"
    assert lines[-2:] == ["weights (of all)", "bytes 900 90 10 %"]


def test_words_in_brackets_are_no_style() -> None:
    """A label comes from a spec, and is shown as it is."""
    table = ResultTable("[red]T[/]", (), (Row("[bold]b[/]", (Cell("[x]"),)),))

    assert plain(draw_table(table)) == ["[red]T[/]", "[bold]b[/] [x]"]


@pytest.mark.parametrize(
    ("finding", "style"),
    [
        (VerdictFinding("passed", is_good=True), "bold green"),
        (VerdictFinding("passed", is_good=False), "bold red"),
        (VerdictFinding("passed", is_good=True, is_caution=True), "bold yellow"),
        (VerdictFinding("passed"), "bold"),
    ],
)
def test_the_verdict_has_the_colour_of_its_tone(finding: VerdictFinding, style: str) -> None:
    """And is always bold."""
    text = draw_verdict(finding)

    assert (text.plain, text.style) == ("passed", style)


def test_a_long_path_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """To be copied as it is; names are as wide as the widest."""
    long = Path("/", *("folder" for _ in range(40)))

    print_places({"model": long, "others": "safecompress pick"})

    assert capsys.readouterr().out.splitlines() == [f"model   {long}", "others  safecompress pick"]


def test_a_long_heading_is_folded_and_never_cut() -> None:
    """An attacker's id must be known again, however many columns there are."""
    columns = tuple(f"a-very-long-attacker-{index}" for index in range(5))
    table = ResultTable("T", columns, (Row("x", (Cell("0.123"),) * 5),))

    lines = plain(draw_table(table))

    assert "…" not in "".join(lines)
