"""Distributions that exist for one test, and are discovered as installed ones."""

import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

# Without torch there is no interface whose methods could be wrapped.
collect_ignore = [] if find_spec("torch") else ["test_boundary.py"]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Installs distributions whose plugins are discovered as any other's.

    Call it with the distribution's name and, by entry point, the source of a module each.
    """
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def install_distribution(name: str, version: str = "1.0", /, **sources: str) -> None:
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = ["[safecompress]"]
        for entry_point, source in sources.items():
            module = f"{name.replace('-', '_')}_{entry_point}"
            (tmp_path / f"{module}.py").write_text(source)
            lines.append(f"{entry_point} = {module}")
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")

    yield install_distribution
    for name in set(sys.modules) - before:
        if name.startswith(("acme", "bolt", "safecompress_file")):
            del sys.modules[name]
