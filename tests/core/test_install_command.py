"""The command that installs an extra."""

import json
from pathlib import Path

import pytest

from safecompress_core import install_command as module
from safecompress_core.install_command import install_command


class Installed:
    """A distribution with a record of where it came from, or none."""

    def __init__(self, record: str | None) -> None:
        self.record = record

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return self.record


def command(monkeypatch: pytest.MonkeyPatch, record: str | None) -> str:
    """The command for two extras, where the distribution was installed from such a place."""
    monkeypatch.setattr(module, "distribution", lambda name: Installed(record))
    return install_command("run", "dp")


@pytest.mark.parametrize(
    "record",
    [None, "not JSON", json.dumps({"url": "https://a.org/s.whl"}), '{"url": "file:///gone/x.whl"}'],
)
def test_what_no_local_file_is_known_of_is_installed_by_its_name(
    monkeypatch: pytest.MonkeyPatch, record: str | None
) -> None:
    """From an index, where it came from."""
    assert command(monkeypatch, record) == "pip install 'safecompress[run,dp]'"


def test_a_folder_or_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its URL is decoded; the current folder is a dot."""
    wheel = tmp_path / "my wheels" / "s.whl"
    wheel.parent.mkdir()
    wheel.touch()

    found = command(monkeypatch, json.dumps({"url": wheel.as_uri()}))
    monkeypatch.chdir(tmp_path)
    here = command(monkeypatch, json.dumps({"url": tmp_path.as_uri()}))

    assert "%20" in wheel.as_uri()
    assert found == f"pip install '{wheel}[run,dp]'"
    assert here == "pip install '.[run,dp]'"
