"""``safecompress report``."""

import json
from pathlib import Path

from click.testing import CliRunner

from safecompress_core.cli import cli


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
