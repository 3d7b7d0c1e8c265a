"""Runs of a comparison as units of work."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from safecompress_core.compare.run_unit import (
    RunUnit,
    failure_of,
    forget_failure,
    noting_failure,
)
from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import TrainingDivergedError
from safecompress_core.results.checksums import is_finished
from safecompress_core.runs.run import run_directory
from safecompress_core.runs.spec_unit import UnitSpec

Prepare = Callable[..., RunContext]
SHOWN: list[str] = []


@contextmanager
def watched(entry: Any) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Notes label and events."""
    SHOWN.append(entry.label)
    yield lambda event: SHOWN.append(event["event"])


def unit_of(run_context: RunContext, folder: Path) -> RunUnit:
    """The unit of a run."""
    return RunUnit(
        label="one",
        folder=folder,
        index=3,
        directory=run_directory(run_context.loaded, run_context.registry, folder).name,
        asked={"variant": "one", "density": 0.5, "budget": None, "seed": 1},
        spec=UnitSpec.of(run_context),
        invoked=None,
        watch=watched,
    )


def test_a_unit_is_an_ordinary_run_in_the_comparison_s_folder(
    prepare: Prepare, tmp_path: Path
) -> None:
    """Loaded from its text; its mark says that it is finished, and what is shared is its input."""
    run_context = prepare(method={"type": "prune", "density": 0.5}, training__epochs=2)
    unit = unit_of(run_context, tmp_path)
    SHOWN.clear()

    unit.work()

    assert (tmp_path / unit.mark).is_file()
    assert is_finished(tmp_path / "runs" / unit.directory)
    assert SHOWN[0] == "one at density 0.5, seed 1"
    assert SHOWN[-1] == "run_finished"
    assert unit.reads == (f"runs/{unit.directory}/**/*", "shared/**/*")
    assert list((tmp_path / "shared").rglob("*.safetensors"))
    assert failure_of(tmp_path, 3) is None


def test_a_run_that_fails_leaves_its_reason(prepare: Prepare, tmp_path: Path) -> None:
    """Other data than the driver's, for one; the other units go on."""
    unit = unit_of(prepare(), tmp_path)

    replace(unit, spec=replace(unit.spec, identity="{}")).work()

    reason = failure_of(tmp_path, 3)
    assert reason is not None
    assert reason.startswith("a worker reads other data than this process")
    assert not (tmp_path / unit.mark).exists()
    forget_failure(tmp_path, 3)
    assert failure_of(tmp_path, 3) is None
    with noting_failure(tmp_path, 1):
        raise TrainingDivergedError("the loss is no number")
    assert failure_of(tmp_path, 1) == "the loss is no number"
