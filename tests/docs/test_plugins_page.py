"""The page's examples of every kind of plugin, in runs."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from safecompress_core.api import Kind, Role
from safecompress_core.cli import cli
from safecompress_core.host import load_plugins

PAGE = Path(__file__).parents[2] / "docs" / "writing-plugins.md"
TITLE = r'title="((?:plugins-of-mine|specs)/[\w.-]+)"'
BLOCK = re.compile(rf"^```\w+ {TITLE}\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page."""
    monkeypatch.chdir(tmp_path)
    for name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    return tmp_path


def run(*arguments: str) -> dict[str, object]:
    """The results of a run with the plugins of the page."""
    command = ["run", "specs/all-of-mine.yaml", "--plugins-dir", "plugins-of-mine", "--json"]
    outcome = CliRunner().invoke(cli, [*command, *arguments])
    assert outcome.exit_code in (0, 1), outcome.stderr
    results: dict[str, object] = json.loads(outcome.stdout)
    return results


def test_the_page_has_an_example_of_every_kind(here: Path) -> None:
    """A kind that is added needs one too."""
    host = load_plugins(plugins_dir=Path("plugins-of-mine"), environ={"SAFECOMPRESS_PLUGINS": ""})
    before = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""})

    assert not [one for one in host.skipped if one.is_broken]
    for kind in Kind:
        for role in Role if kind is Kind.STRATEGY else (None,):
            added = set(host.registry.definitions(kind, role)) - set(
                before.registry.definitions(kind, role)
            )
            assert added, f"the page has no {role or kind}"


def test_all_examples_work_in_one_run(here: Path) -> None:
    """Every one of them has a part in the results."""
    results = run()

    audit, metrics = results["audit"], results["metrics"]
    assert isinstance(audit, dict)
    assert isinstance(metrics, dict)
    assert set(audit) == {"nearest", "shaker", "typical", "neighbour", "surer"}
    assert 0 < metrics["belief"]["value"] < 1


def test_the_game_of_the_page_is_in_table_gates_and_report(here: Path) -> None:
    """Core does not mention the game, and the report needs no plugin."""
    results = run()
    [directory] = Path("runs").iterdir()
    table = CliRunner().invoke(
        cli, ["run", "specs/all-of-mine.yaml", "--plugins-dir", "plugins-of-mine"]
    )
    (directory / "report.html").unlink()
    again = CliRunner().invoke(cli, ["report", str(directory)])

    [gate] = results["gate"]  # type: ignore[misc]
    surer = results["audit"]["surer"]  # type: ignore[index]
    assert (gate["measure"], gate["value"]) == ("pairs.pair_accuracy", surer["pair_accuracy"])
    assert results["games"]["pairs"]["question"].startswith("Which of two samples")  # type: ignore[index]
    assert "pair accuracy (guess 0.500)" in table.stdout
    assert again.exit_code == 0, again.stderr
    page = (directory / "report.html").read_text(encoding="utf-8")
    assert (
        "Which of two samples was in the training set? Without the model, a coin is right" in page
    )
    assert "Pairs pair accuracy must be at most 0.990" in page
    records = json.loads((directory / "plugins.json").read_text(encoding="utf-8"))
    assert {"kind": "game", "name": "pairs"}.items() <= records[
        [record["kind"] for record in records].index("game")
    ].items()


def test_the_method_of_the_page_keeps_its_density(here: Path) -> None:
    """It replaces the test-driven method."""
    results = run("--set", "method={type: fixed, density: 0.5}")

    model = results["model"]
    assert isinstance(model, dict)
    assert model["density"] == 0.5


def test_the_exporter_of_the_page_writes_what_it_reads(here: Path) -> None:
    """A run of the page's plugins, exported and checked as built-in formats are."""
    run("--set", "method={type: fixed, density: 0.5}")  # without a guard, which arrays cannot hold
    [directory] = Path("runs").iterdir()
    options = ["--to", "npz", "--plugins-dir", "plugins-of-mine", "--json"]
    outcome = CliRunner().invoke(cli, ["export", str(directory), *options])

    assert outcome.exit_code == 0, outcome.stderr
    record = json.loads(outcome.stdout)
    assert (list(record["files"]), record["agreement"]["passed"]) == (["model.npz"], True)
    attacks = {"nearest", "shaker", "typical", "neighbour", "surer"}
    assert set(record["attacks"]) | set(record["not_repeated"]) == attacks
    assert record["attacks"]["nearest"]["advantage"]["difference"] == 0
