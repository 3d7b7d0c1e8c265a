"""Plugins as commands find them."""

import logging
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from safecompress_core.api import Kind
from safecompress_core.cli.discovery import (
    allow_code_option,
    discover_plugins,
    plugins_dir_option,
)

METRIC = """
from safecompress_core.api import MetricDef, Params, hookimpl

@hookimpl
def safecompress_metrics():
    yield MetricDef(name="tiny", params=Params, target="a:B", summary="Tiny.")
"""


def test_a_broken_plugin_is_warned_of_and_costs_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the user has left out is not mentioned."""
    monkeypatch.setenv("SAFECOMPRESS_PLUGINS", "")
    (tmp_path / "broken.py").write_text("import nothing_that_is_installed")
    (tmp_path / "tiny.py").write_text(METRIC)

    with caplog.at_level(logging.WARNING):
        host = discover_plugins(tmp_path)

    assert "tiny" in host.registry.definitions(Kind.METRIC)
    [message] = caplog.messages
    assert message.startswith(f"skipped plugin {tmp_path} sha256:")
    assert "broken.py (ModuleNotFoundError" in message


def test_options_are_those_of_every_command(tmp_path: Path) -> None:
    """A folder that is not there is refused at once; code is not allowed unless it is said."""

    @click.command()
    @plugins_dir_option
    @allow_code_option
    def command(plugins_dir: Path | None, allow_code: bool) -> None:
        click.echo(f"{plugins_dir} {allow_code}")

    run = CliRunner().invoke

    assert run(command, []).output == "None False\n"
    given = run(command, ["--plugins-dir", str(tmp_path), "--allow-code"])
    assert given.output == f"{tmp_path} True\n"
    assert run(command, ["--plugins-dir", str(tmp_path / "none")]).exit_code == 2
