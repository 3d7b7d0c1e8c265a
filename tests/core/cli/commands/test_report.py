"""``safecompress report``."""

import json
import shutil
from pathlib import Path

from click.testing import CliRunner
from junitparser import JUnitXml

from safecompress_core.cli import cli
from safecompress_core.results.directory import write_json
from tests.core.fixtures.comparisons import comparison_content


def test_a_lost_report_is_written_again(finished_run: Path) -> None:
    """From the results alone; its place is what is printed."""
    place = finished_run / "report.html"
    before = place.read_bytes()
    place.unlink()

    outcome = CliRunner().invoke(cli, ["report", str(finished_run)])

    assert (outcome.exit_code, outcome.stdout) == (0, f"{place}\n")
    assert place.read_bytes() == before


def test_as_json_it_tells_the_place(finished_run: Path) -> None:
    """One document."""
    outcome = CliRunner().invoke(cli, ["report", str(finished_run), "--json"])

    assert json.loads(outcome.stdout) == {"report": str(finished_run / "report.html")}


def test_a_folder_without_results_has_no_report(tmp_path: Path) -> None:
    """Exit code 2, and the question that helps."""
    outcome = CliRunner().invoke(cli, ["report", str(tmp_path)])

    assert outcome.exit_code == 2
    assert "results.json: no such file; is this a finished run?" in outcome.stderr


def test_markdown_and_junit_are_printed_and_nothing_is_written(finished_run: Path) -> None:
    """For a pipe; the page stays as it is."""
    before = {file: file.stat().st_mtime_ns for file in finished_run.rglob("*")}

    markdown = CliRunner().invoke(cli, ["report", str(finished_run), "--markdown"])
    junit = CliRunner().invoke(cli, ["report", str(finished_run), "--junit"])

    assert (markdown.exit_code, junit.exit_code) == (0, 0)
    assert "## ✅ tiny" in markdown.stdout
    assert JUnitXml.fromstring(junit.stdout.encode()).failures == 0
    assert {file: file.stat().st_mtime_ns for file in finished_run.rglob("*")} == before


def test_a_comparison_has_a_suite_for_each_run(finished_run: Path, tmp_path: Path) -> None:
    """Its own page is its business."""
    folder = tmp_path / "comparison"
    shutil.copytree(finished_run, folder / "runs" / finished_run.name)
    write_json(folder / "comparison.json", comparison_content())

    markdown = CliRunner().invoke(cli, ["report", str(folder), "--markdown"])
    junit = CliRunner().invoke(cli, ["report", str(folder), "--junit"])
    page = CliRunner().invoke(cli, ["report", str(folder)])

    assert "| variant | density |" in markdown.stdout
    assert [suite.name for suite in JUnitXml.fromstring(junit.stdout.encode())] == [
        finished_run.name
    ]
    assert page.exit_code == 2
    assert "its page is comparison.html in it" in page.stderr
