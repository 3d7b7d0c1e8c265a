"""``safecompress export``: arguments, output and exit codes."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from safecompress_core.cli import cli


@pytest.fixture
def run(
    first_outcome: tuple[Result, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The tiny run, exported from an empty folder."""
    monkeypatch.chdir(tmp_path)
    return first_outcome[1]


def invoke(*arguments: object) -> Result:
    """The outcome of a command."""
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def test_an_export_is_printed_and_verified(run: Path) -> None:
    """A table and two places; `verify` finds a change of a single byte."""
    outcome = invoke("export", run, "--to", "safetensors")
    place = Path("exports") / f"{run.name}-safetensors"

    assert outcome.exit_code == 0, outcome.stderr
    assert "loss-threshold" in outcome.stdout
    assert "100.00% of " in outcome.stdout
    assert f"export  {place}" in outcome.stdout
    assert invoke("verify", place).exit_code == 0
    content = bytearray((place / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (place / "model.safetensors").write_bytes(content)
    damaged = invoke("verify", place)
    assert damaged.exit_code == 1
    assert "model.safetensors" in damaged.stdout


def test_the_run_is_as_it_was(run: Path) -> None:
    """An export is no part of it."""
    before = (run / "SHA256SUMS").read_bytes()
    invoke("export", run / "baseline" / "model.safetensors", "--to", "safetensors")

    assert (run / "SHA256SUMS").read_bytes() == before
    assert [path.name for path in Path("exports").iterdir()] == [f"{run.name}-baseline-safetensors"]


def test_the_report_of_the_run_has_a_section_of_its_exports(run: Path) -> None:
    """Where `report` is asked for it; exports of other runs are not shown."""
    # A copy, since other tests read the report as the run has written it.
    copy = Path("runs") / run.name
    shutil.copytree(run, copy)
    invoke("export", copy, "--to", "safetensors")
    for folder, is_shown in (("elsewhere", False), ("exports", True)):
        outcome = invoke("report", copy, "--exports", folder)
        page = (copy / "report.html").read_text(encoding="utf-8")

        assert outcome.exit_code == 0, outcome.stderr
        assert ('id="exports"' in page) is is_shown
        assert invoke("verify", copy).exit_code == 0


def test_json_is_the_record(run: Path) -> None:
    """The same as in the directory."""
    outcome = invoke("export", run, "--to", "safetensors", "--output", "here/now", "--json")

    assert json.loads(outcome.stdout) == json.loads(Path("here/now/export.json").read_text())


def test_a_failed_check_is_exit_code_1_and_leaves_nothing(run: Path) -> None:
    """The figures are shown nevertheless."""
    strict = ["--set", "tolerance=1e-9", "--set", "samples=8"]
    pytest.importorskip("onnxscript")
    outcome = invoke("export", run, "--to", "onnx-int8", *strict)

    assert outcome.exit_code == 1
    assert "a logit differs by" in outcome.stderr
    assert "largest difference of a logit" in outcome.stdout
    assert list(Path("exports").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--to", "onx"], 1, "--to onx:1:1: exporter.type: no exporter is called 'onx'; did you"),
        (["--to", "onnx-int8", "--set", "samples=0"], 1, "exporter.samples: 0 is less than 1"),
        (["--to", "transformers"], 2, "transformers holds models loaded with 'type: huggingface'"),
        (["--to", "safetensors", "--output", "taken"], 2, "taken: exists; remove it"),
    ],
)
def test_bad_input_is_one_line(run: Path, arguments: list[str], code: int, message: str) -> None:
    """And nothing is written."""
    if "transformers" in arguments:
        pytest.importorskip("transformers")
    Path("taken").mkdir()
    outcome = invoke("export", run, *arguments)

    assert outcome.exit_code == code
    assert message in outcome.stderr
    assert [path for path in Path().rglob("*") if path.is_file()] == []


def test_a_missing_package_names_its_extra(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every command does."""
    import sys

    for name in [
        name for name in sys.modules if name.startswith("safecompress_plugins.exporters.o")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    outcome = invoke("export", run, "--to", "onnx")

    assert outcome.exit_code == 2
    assert "onnxscript is not installed; install it with: pip install" in outcome.stderr
