"""``safecompress plugins list``: what there is, and where it comes from."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.cli.commands import plugins

PLUGIN = """
from safecompress_core.api import BLACK_BOX, AttackerDef, AttackerParams, hookimpl
from safecompress_core.api import Params, Role, StrategyDef

@hookimpl
def safecompress_attackers():
    yield AttackerDef(
        name="acme-probe", params=AttackerParams, target="acme:Probe", summary="Probes [it].",
        cites="Acme 2024, Eq. 3", game="membership", needs=BLACK_BOX,
    )

@hookimpl
def safecompress_strategies():
    yield StrategyDef(
        name="acme-grow", role=Role.GROW, params=Params, target="acme:Grow", summary="Grows.",
    )
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good and one broken single-file plugin."""
    (tmp_path / "acme.py").write_text(PLUGIN)
    (tmp_path / "bolt.py").write_text("import bolt_core")
    return tmp_path


def test_json_has_every_fact_of_every_component(folder: Path) -> None:
    """One object for each component, and nothing else on standard output."""
    outcome = CliRunner().invoke(cli, ["plugins", "list", "--json", "--plugins-dir", str(folder)])

    rows = {row["name"]: row for row in json.loads(outcome.stdout)}
    version = rows["acme-probe"].pop("version")
    assert version.startswith("sha256:")
    assert rows["acme-probe"] == {
        "kind": "attacker",
        "role": None,
        "name": "acme-probe",
        "summary": "Probes [it].",
        "citation": "Acme 2024, Eq. 3",
        "distribution": str(folder),
    }
    assert rows["acme-grow"]["role"] == "grow"
    assert outcome.exit_code == 0


def test_a_skipped_plugin_is_told_on_standard_error(folder: Path) -> None:
    """The list stays readable for machines; -q hides the warning."""
    arguments = ["plugins", "list", "--json", "--plugins-dir", str(folder)]

    loud, quiet = CliRunner().invoke(cli, arguments), CliRunner().invoke(cli, ["-q", *arguments])

    assert "bolt.py (ModuleNotFoundError: No module named 'bolt_core')" in loud.stderr
    assert "bolt" not in loud.stdout
    assert "bolt" not in quiet.stderr


def test_strictness_is_an_error_of_the_tool(folder: Path) -> None:
    """Exit code 2 with the reason, and no list."""
    outcome = CliRunner().invoke(
        cli,
        ["plugins", "list", "--plugins-dir", str(folder)],
        env={"SAFECOMPRESS_STRICT_PLUGINS": "1"},
    )

    assert outcome.exit_code == 2
    assert "No module named 'bolt_core'" in outcome.stderr
    assert outcome.stdout == ""


def test_plain_output_is_one_tabbed_line_a_component(folder: Path) -> None:
    """Without a terminal the output suits grep and cut."""
    outcome = CliRunner().invoke(
        cli, ["plugins", "list", "--kind", "attacker", "--plugins-dir", str(folder)]
    )

    header, *lines = outcome.stdout.splitlines()
    assert tuple(header.split("\t")) == plugins.COLUMNS
    assert {line.split("\t")[0] for line in lines} == {"attacker"}
    [line] = [line for line in lines if "\tacme-probe\t" in line]
    assert line.split("\t")[:5] == [
        "attacker",
        "",
        "acme-probe",
        "Probes [it].",
        "Acme 2024, Eq. 3",
    ]


def test_a_terminal_gets_a_table(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns are aligned; square brackets in a summary are no markup."""
    monkeypatch.setattr(plugins, "_is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")

    outcome = CliRunner().invoke(cli, ["plugins", "list", "--plugins-dir", str(folder)])

    lines = outcome.stdout.splitlines()
    [probe] = [line for line in lines if " acme-probe " in line]
    assert probe.index("Probes [it].") == lines[0].index("summary")
    assert any("strategy: grow" in line for line in lines)


def test_a_kind_that_does_not_exist_is_refused() -> None:
    """With the kinds that do."""
    outcome = CliRunner().invoke(cli, ["plugins", "list", "--kind", "attack"])

    assert outcome.exit_code == 2
    assert "'attacker'" in outcome.stderr
