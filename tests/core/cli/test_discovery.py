"""Plugins as commands find them."""

import logging
from pathlib import Path

import pytest

from safecompress_core.api import Kind
from safecompress_core.cli.discovery import discover_plugins

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
