"""A run, from a spec to results."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from safecompress_core.errors import RunDirectoryError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.runs.run import run_directory, run_spec
from safecompress_core.specfile.load import LoadedSpec, load_spec


@pytest.fixture(scope="module")
def registry() -> Registry:
    """What is installed."""
    return load_plugins().registry


@pytest.fixture
def loaded(tiny_spec: Path, registry: Registry) -> LoadedSpec:
    """The spec of the finished run."""
    return load_spec(tiny_spec, overrides=["device=cpu"], registry=registry)


def test_a_directory_is_named_after_spec_and_components(
    loaded: LoadedSpec, tiny_spec: Path, registry: Registry, finished_run: Path
) -> None:
    """The same for the same spec; another seed is another run."""
    runs = finished_run.parent
    other = load_spec(tiny_spec, overrides=["device=cpu", "seed=4"], registry=registry)

    assert run_directory(loaded, registry, runs) == finished_run
    assert run_directory(other, registry, runs) != finished_run
    assert run_directory(other, registry, runs).name.startswith("tiny-")


def test_a_finished_run_is_only_read(
    loaded: LoadedSpec, registry: Registry, finished_run: Path
) -> None:
    """Nothing is written or trained again, and nobody is told of anything."""
    before = {path: path.stat().st_mtime_ns for path in finished_run.rglob("*")}
    events: list[Mapping[str, Any]] = []

    found = run_spec(loaded, registry, runs=finished_run.parent, observers=events.append)

    assert not found.is_new
    assert found.path == finished_run
    assert events == []
    assert {path: path.stat().st_mtime_ns for path in finished_run.rglob("*")} == before


def test_a_run_of_other_samples_is_not_gone_on_with(
    loaded: LoadedSpec, registry: Registry, finished_run: Path
) -> None:
    """What has changed since it began is named."""
    record = finished_run / "identity.json"
    record.write_text(record.read_text().replace('": "', '": "0', 1))

    with pytest.raises(RunDirectoryError, match="changed since this run began"):
        run_spec(loaded, registry, runs=finished_run.parent, observers=lambda _: None)


def test_shifted_members_are_told_of_before_anything_is_trained(
    tiny_spec: Path, registry: Registry, tmp_path: Path
) -> None:
    """With the run's first event: the verdict would be void whatever is trained."""
    digits = load_digits()
    np.savez(
        tmp_path / "sessions.npz",
        inputs=(digits.data / 16).astype(np.float32),
        labels=digits.target,
        members=np.arange(len(digits.target)) < 900,
    )
    data = {"type": "numpy", "path": str(tmp_path / "sessions.npz"), "members": "members"}
    loaded = load_spec(
        tiny_spec,
        overrides={
            "task.data": data,
            "pools.members": "given",
            "device": "cpu",
            "attackers": [],
            "method": {"type": "uncompressed"},
            "audit.attackers": [{"type": "loss-threshold"}],
            "gate": [],
        },
        registry=registry,
    )

    class StopError(Exception):
        pass

    events: list[Mapping[str, Any]] = []

    def stop(event: Mapping[str, Any]) -> None:
        events.append(event)
        raise StopError

    with pytest.raises(StopError):
        run_spec(loaded, registry, runs=tmp_path / "runs", observers=stop)

    (started,) = events
    assert started["event"] == "run_started"
    assert "The verdict on membership will be VOID" in started["data"]["warnings"][-1]
    assert not list((tmp_path / "runs").rglob("*.safetensors"))
