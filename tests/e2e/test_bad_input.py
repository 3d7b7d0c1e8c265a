"""What cannot work is refused in words, before it costs an hour, and nothing good is lost."""

from pathlib import Path
from typing import Any

import pytest

from safecompress_core.errors import RunInUseError, SpecError, TrainingDivergedError
from safecompress_core.results.directory import RunDirectory
from safecompress_core.runs.run import run_directory
from safecompress_core.saved_models.storage import load_model


def line(file: Path, text: str) -> int:
    """Where a text first stands."""
    lines = file.read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_a_density_that_would_empty_a_layer(bench: Any) -> None:
    """Named by file and line with one that works; not even a run directory is made."""
    with pytest.raises(SpecError) as caught:
        bench.run(method__density=0.001)
    file = bench.folder / "spec.yaml"

    message = str(caught.value)

    assert message.startswith(f"{file}:{line(file, 'density')}:")
    assert "method.density: density 0.001 leaves" in message
    assert "the smallest density that leaves no layer empty is 0." in message
    assert not (bench.folder / "runs").exists()
    assert bench.events == []


def test_more_members_than_there_are(bench: Any) -> None:
    """How many there are is said."""
    with pytest.raises(SpecError) as caught:
        bench.run(pools={"members": 2000})
    file = bench.folder / "spec.yaml"

    assert str(caught.value) == (
        f"{file}:{line(file, '2000')}:16: pools.members: 2000 members are asked for, and "
        "'handwriting' has 1797 samples; write less than 1797, so that non-members are left, or a "
        "share"
    )


def test_a_run_directory_that_is_in_use(bench: Any) -> None:
    """The second run leaves it alone."""
    place = run_directory(bench.load(), bench.registry, bench.folder / "runs")
    with RunDirectory(place), pytest.raises(RunInUseError, match="another process is running here"):
        bench.run()

    assert [path.name for path in place.iterdir()] == [".lock"]


def test_training_that_diverges_keeps_the_last_good_state(bench: Any) -> None:
    """It stops in the second round, says when and what to try; the first one stays as it was."""
    with pytest.raises(TrainingDivergedError) as caught:
        bench.run(
            training={"epochs": 6, "optimizer": "sgd", "learning_rate": 1e-20},
            method__keep=False,
            method__strategies=[
                {
                    "prune": {"type": "magnitude"},
                    "grow": {"type": "gradient"},
                    "set": {"learning_rate": {"factor": 1e19}},
                }
            ],
            method__defences=[],
            attackers=[{"type": "loss-threshold"}],
        )
    [place] = (bench.folder / "runs").iterdir()

    message = str(caught.value)

    assert "(magnitude × gradient, learning_rate x1e+19) in round 2" in message
    assert "is no longer a number in epoch 4; try a smaller training.learning_rate" in message
    assert not (place / "results.json").exists()
    assert [path.name for path in (place / "checkpoints" / "method").iterdir()] == ["round-1"]
    assert load_model(place / "archive" / "r1c1.safetensors").topology.total_active == 281
