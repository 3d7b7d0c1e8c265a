"""Execution in this process."""

from pathlib import Path
from types import ModuleType

from safecompress_core.execution.executor import LocalExecutor


def test_units_are_done_in_their_order_each_told_as_soon_as_it_is_done(
    stand_ins: ModuleType, tmp_path: Path
) -> None:
    """A consumer that stops has only what it has seen."""
    units = [stand_ins.Writes(label=name, folder=tmp_path, name=name) for name in "cab"]

    with LocalExecutor() as executor:
        for unit in executor.do(units):
            assert (tmp_path / unit.mark).read_text() == "done"
            if unit.name == "a":
                break

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_what_is_loaded_here_is_used_here(stand_ins: ModuleType, tmp_path: Path) -> None:
    """A caller does units by its own function instead of loading everything again."""
    units = [stand_ins.Writes(label=name, folder=tmp_path, name=name) for name in "ab"]
    done: list[str] = []

    executor = LocalExecutor()
    executor.require((("any", "1"),))
    list(executor.do(units, here=lambda unit: done.append(unit.name)))

    assert done == ["a", "b"]
    assert list(tmp_path.iterdir()) == []
