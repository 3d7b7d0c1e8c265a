"""Units in processes of this machine: done once each, whatever happens to a process."""

import logging
import multiprocessing
from pathlib import Path
from types import ModuleType

import pytest

from safecompress_core.errors import SafeCompressError
from safecompress_core.execution import process_executor
from safecompress_core.execution.process_executor import ProcessExecutor, available_cores

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forked_workers")]


def pids(folder: Path) -> list[str]:
    """The processes that units were done by."""
    return [(place / "pid").read_text() for place in sorted(folder.iterdir())]


def test_units_are_done_by_other_processes_which_stay(
    stand_ins: ModuleType, tmp_path: Path
) -> None:
    """Starting one takes seconds, so later units find those of the first; closed, none is left."""
    before = set(multiprocessing.active_children())
    units = [stand_ins.Writes(label=name, folder=tmp_path, name=name) for name in "abcd"]

    with ProcessExecutor(2) as executor:
        assert {unit.name for unit in executor.do(units[:2])} == {"a", "b"}
        assert {unit.name for unit in executor.do(units[2:])} == {"c", "d"}

    assert len({*pids(tmp_path)}) == 2
    assert set(multiprocessing.active_children()) <= before


def test_a_unit_whose_process_is_killed_is_done_again_and_the_others_are_not(
    stand_ins: ModuleType, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each once in the results; a warning says which."""
    done = tmp_path / "done"
    plain = [stand_ins.Writes(label=name, folder=done, name=name) for name in "ab"]
    dies = stand_ins.Dies(label="the third", folder=done, name="c", count=tmp_path / "n", times=2)

    with ProcessExecutor(2) as executor, caplog.at_level(logging.WARNING):
        names = [unit.name for unit in executor.do([dies, *plain])]

    assert sorted(names) == ["a", "b", "c"]
    assert (done / "c" / "mark").read_text() == "done"
    assert caplog.messages == ["the third: its worker process has died; it is done again"] * 2


def test_a_unit_whose_process_always_dies_is_told(stand_ins: ModuleType, tmp_path: Path) -> None:
    """Out of memory, most likely; the system says nothing of it. The others are done."""
    done = tmp_path / "done"
    plain = stand_ins.Writes(label="a", folder=done, name="a")
    dies = stand_ins.Dies(label="the third", folder=done, name="c", count=tmp_path / "n", times=9)

    with (
        ProcessExecutor(2) as executor,
        pytest.raises(SafeCompressError, match="the third: its worker process has died 3 times: "),
    ):
        list(executor.do([dies, plain]))

    assert [path.name for path in done.iterdir()] == ["a"]


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("value", ValueError, "this unit cannot be done"),
        ("memory", SafeCompressError, "b: memory is not enough .* fewer --workers"),
    ],
)
def test_what_a_unit_raises_is_raised_here_and_what_is_done_is_kept(
    stand_ins: ModuleType, tmp_path: Path, kind: str, error: type[Exception], message: str
) -> None:
    """With its own words; the executor can go on with other units."""
    first = stand_ins.Writes(label="a", folder=tmp_path, name="a")
    raises = stand_ins.Raises(label="b", folder=tmp_path, name="b", kind=kind)
    last = stand_ins.Writes(label="c", folder=tmp_path, name="c")

    with ProcessExecutor(1) as executor:
        with pytest.raises(error, match=message):
            list(executor.do([first, raises, last]))
        assert (tmp_path / "a" / "mark").exists()
        assert not (tmp_path / "c").exists()
        assert [unit.name for unit in executor.do([last])] == ["c"]


def test_each_process_sees_a_device_of_its_own(
    stand_ins: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its device 0, of those that the parent sees; each unit waits for the other here."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    done = tmp_path / "done"
    units = [
        stand_ins.Waits(
            label=name, folder=done, name=name, begun=tmp_path, until=tmp_path / f"{other}.begun"
        )
        for name, other in ("ab", "ba")
    ]

    with ProcessExecutor(2, devices=(0, 2)) as executor:
        list(executor.do(units))

    assert {(done / name / "device").read_text() for name in "ab"} == {"4", "6"}


def test_units_of_several_threads_share_the_cores(
    stand_ins: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Threads are the unit's, so fewer units are in work at once, and that is said."""
    monkeypatch.setattr(process_executor, "available_cores", lambda: 4)
    units = [stand_ins.Writes(label=n, folder=tmp_path, name=n, threads=4) for n in "abc"]

    with ProcessExecutor(3) as executor, caplog.at_level(logging.WARNING):
        list(executor.do(units))

    assert len({*pids(tmp_path)}) == 1
    [message] = caplog.messages
    assert message.startswith("1 of 3 workers are used: a unit has 4 threads, and this machine 4")


def test_cores_are_those_that_the_process_may_use() -> None:
    """At least the one that this test runs on."""
    assert available_cores() >= 1
