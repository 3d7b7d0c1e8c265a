"""Tables in notebooks and consoles."""

from html.parser import HTMLParser
from pathlib import Path

from safecompress_core.python.notebook_table import as_html, as_lines
from safecompress_core.report.summary import Cell, ResultTable, Row
from safecompress_core.report.verdict import VerdictFinding

VERDICT = VerdictFinding("PASSED: <all> gates.", is_good=True)
TABLE = ResultTable(
    "Audit",
    ("before", "r1c1\nchosen"),
    (
        Row("accuracy", (Cell("0.4", "0.3–0.5"), Cell("0.2"))),
        Row("advantage of", note="membership"),
        Row("  <script>alert(1)</script>", (Cell("–"), Cell("0.1"))),
    ),
)
PLACE = Path("runs/a&b")


class Outline(HTMLParser):
    """Rows of a table as texts of its cells, and the names of all tags."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_a_notebook_shows_verdict_table_and_place() -> None:
    """A name of a plugin is text there, and never markup."""
    outline = Outline()
    outline.feed(as_html(VERDICT, TABLE, PLACE))

    assert "script" not in outline.tags
    assert outline.rows[:2] == [["", "before", "r1c1chosen"], ["accuracy", "0.4 0.3–0.5", "0.2"]]
    assert outline.rows[2] == ["advantage of (membership)"]
    assert outline.rows[3][0].strip() == "<script>alert(1)</script>"
    assert "✓ PASSED: <all> gates." in outline.text
    assert outline.text.endswith("runs/a&b")


def test_a_console_shows_the_same_in_a_few_lines() -> None:
    """The verdict first, the place last."""
    assert as_lines(VERDICT, TABLE, PLACE).splitlines() == [
        "PASSED: <all> gates.",
        "Audit: before | r1c1 chosen",
        "  accuracy                     0.4 (0.3–0.5) | 0.2",
        "  advantage of",
        "    <script>alert(1)</script>  – | 0.1",
        "runs/a&b",
    ]
