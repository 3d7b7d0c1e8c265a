"""The model of the tiny run, opened for its exports."""

from pathlib import Path

import pytest
from click.testing import Result

from safecompress_core.export.run_model import RunModel, open_run_model
from safecompress_core.host import Registry, load_plugins


@pytest.fixture(scope="session")
def registry() -> Registry:
    """What is installed."""
    return load_plugins().registry


@pytest.fixture(scope="session")
def run_model(first_outcome: tuple[Result, Path], registry: Registry) -> RunModel:
    """The chosen model, with data, pools and attacks."""
    _, run = first_outcome
    return open_run_model(run, run / "model" / "model.safetensors", registry)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where an export goes."""
    return tmp_path / "exports" / "tiny"
