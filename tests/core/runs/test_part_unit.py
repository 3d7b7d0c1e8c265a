"""Parts of a method as units of work."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.execution.executor import Executor, LocalExecutor
from safecompress_core.methods.method import MethodPart
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.runs.part_unit import PartUnit, parts_elsewhere

Prepare = Callable[..., RunContext]
PART = MethodPart(
    checkpoint="round-1-lineage-2",
    label="lineage 2",
    facts={"round": 1, "lineage": 2, "position": 2},
    reads=("round-0/record.json",),
)
RACE = {
    "method__field": [2, 1],
    "method__strategies": [
        {
            "prune": {"type": "magnitude"},
            "grow": {"type": "gradient"},
            "set": {"density": [0.2]},
        }
    ],
}


class Noting(Executor):
    """Does units here, and keeps them."""

    def __init__(self) -> None:
        self.units: list[PartUnit] = []

    def require(self, distributions: Sequence[tuple[str, str | None]]) -> None:
        """Nothing is required."""

    def do(self, units: Sequence[Any], *, here: Any = None) -> Iterator[Any]:
        for unit in units:
            self.units.append(unit)
            unit.work()
            yield unit

    def close(self, *, is_interrupted: bool = False) -> None:
        """Nothing is open."""


def test_a_part_leaves_its_checkpoint_where_the_method_finds_it(
    prepare: Prepare, tmp_path: Path
) -> None:
    """With what is there of the uncompressed model and the twin as its input."""
    executor, run_context = Noting(), prepare(**RACE)
    do_parts = parts_elsewhere(run_context, tmp_path, executor, None)
    assert do_parts is not None

    assert list(do_parts([PART])) == [PART]

    [unit] = executor.units
    assert (tmp_path / unit.mark).is_file()
    assert unit.mark == "method/round-1-lineage-2/record.json"
    assert unit.reads[0] == "method/round-0/record.json"
    assert {"baseline/**/*", "method/twin/**/*"} <= set(unit.reads)
    assert unit.label == "lineage 2"


def test_an_executor_in_this_process_gets_no_parts(prepare: Prepare, tmp_path: Path) -> None:
    """The method does its work as ever."""
    assert parts_elsewhere(prepare(), tmp_path, LocalExecutor(), None) is None


def test_a_method_without_parts_names_itself(prepare: Prepare, tmp_path: Path) -> None:
    """A part that it never gave cannot be done."""
    run_context = prepare(method={"type": "uncompressed"})
    context = run_context.method_context(
        "method", big=None, checkpoints=Checkpoints(tmp_path), archived=Path, events=EventLog()
    )

    with pytest.raises(NotImplementedError, match="Uncompressed has no part 'lineage 2'"):
        run_context.method.do_part(context, PART)
