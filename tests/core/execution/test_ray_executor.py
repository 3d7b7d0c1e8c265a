"""Units on a Ray cluster of two nodes on this machine."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from safecompress_core.errors import ExecutionError, SafeCompressError
from safecompress_core.execution.settings import Execution

ray = pytest.importorskip("ray", reason="needs the extra 'ray'")

from safecompress_core.execution import ray_executor  # noqa: E402
from safecompress_core.execution.ray_executor import RayExecutor, open_ray, with_reasons  # noqa: E402

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture
def executor(ray_cluster: Any) -> Iterator[RayExecutor]:
    """Two units at once."""
    with open_ray(Execution(executor="ray", workers=2, address=ray_cluster.address)) as opened:
        yield opened


def test_units_are_done_on_both_nodes_and_their_files_come_back(
    executor: RayExecutor, stand_ins: ModuleType, tmp_path: Path
) -> None:
    """Each unit waits for the other, so that they are done at once; what they read was sent."""
    done = tmp_path / "done"
    done.mkdir()
    (done / "given").write_text("given, ")
    units = [
        stand_ins.Waits(
            label=name,
            folder=done,
            name=name,
            begun=tmp_path,
            until=tmp_path / f"{other}.begun",
            asked=("given",),
        )
        for name, other in ("ab", "ba")
    ]

    assert {unit.name for unit in executor.do(units)} == {"a", "b"}

    assert [(done / name / "mark").read_text() for name in "ab"] == ["given, done"] * 2
    assert len({(done / name / "pid").read_text() for name in "ab"}) == 2
    assert not list(tmp_path.rglob("*.partial"))


def test_a_unit_on_the_processor_sees_no_gpu(
    executor: RayExecutor, stand_ins: ModuleType, tmp_path: Path
) -> None:
    """With device auto it would compute otherwise than the driver."""
    list(executor.do([stand_ins.Writes(label="a", folder=tmp_path, name="a")]))

    assert (tmp_path / "a" / "device").read_text() in ("", "all")
    gpu = stand_ins.Writes(label="b", folder=tmp_path, name="b", device="cuda")
    with pytest.raises(ExecutionError, match="a unit takes 1 GPU, and the node .* has 0; lower"):
        list(executor.do([gpu]))


def test_more_threads_than_a_node_has_are_refused(
    executor: RayExecutor, stand_ins: ModuleType, tmp_path: Path
) -> None:
    """Ray would wait for such a node for ever."""
    unit = stand_ins.Writes(label="a", folder=tmp_path, name="a", threads=2)

    with pytest.raises(ExecutionError, match="a unit takes 2 CPU, and the node .* has 1; lower"):
        list(executor.do([unit]))


def test_what_a_unit_raises_is_raised_here(
    executor: RayExecutor, stand_ins: ModuleType, tmp_path: Path
) -> None:
    """Its own error, not Ray's; no memory is told with the unit's name."""
    for kind, error, message in (
        ("value", ValueError, "^this unit cannot be done$"),
        ("memory", SafeCompressError, "^b: memory is not enough"),
        ("two", SafeCompressError, "^b: TwoArgumentsError"),
    ):
        unit = stand_ins.Raises(label="b", folder=tmp_path, name="b", kind=kind)
        with pytest.raises(error, match=message):
            list(executor.do([unit]))
    assert list(tmp_path.iterdir()) == []


def test_a_unit_whose_worker_is_killed_is_done_again(
    executor: RayExecutor, stand_ins: ModuleType, tmp_path: Path
) -> None:
    """Once in the results; one that always dies is told."""
    done = tmp_path / "done"
    dies = stand_ins.Dies(label="a", folder=done, name="a", count=tmp_path / "n", times=2)
    assert [unit.name for unit in executor.do([dies])] == ["a"]
    assert (done / "a" / "mark").read_text() == "done"

    always = stand_ins.Dies(label="the last", folder=done, name="b", count=tmp_path / "m", times=9)
    with pytest.raises(ExecutionError, match="the last: its worker process has died.* 3 times"):
        list(executor.do([always]))
    assert [path.name for path in done.iterdir()] == ["a"]


def test_the_units_of_a_node_that_is_removed_are_done_by_another(
    ray_cluster: Any, stand_ins: ModuleType, tmp_path: Path
) -> None:
    """The third node gets a unit while the others are busy, and leaves with it."""
    done = tmp_path / "done"
    third = ray_cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    units = [
        stand_ins.Waits(label=name, folder=done, name=name, begun=tmp_path, until=tmp_path / "go")
        for name in "abc"
    ]
    with open_ray(Execution(executor="ray", workers=3, address=ray_cluster.address)) as executor:
        results = executor.do(units)

        def remove() -> None:
            while len(list(tmp_path.glob("*.begun"))) < 3:
                pass
            ray_cluster.remove_node(third)
            (tmp_path / "go").touch()

        thread = threading.Thread(target=remove)
        thread.start()
        names = [unit.name for unit in results]
        thread.join()

    assert sorted(names) == ["a", "b", "c"]
    assert sorted(path.name for path in done.iterdir()) == ["a", "b", "c"]


def test_each_content_is_sent_once(
    executor: RayExecutor, stand_ins: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many units read it, and by whatever name."""
    sent: list[bytes] = []
    put = ray.put
    monkeypatch.setattr(ray, "put", lambda content: sent.append(content) or put(content))
    for name in ("x", "y"):
        (tmp_path / name).write_text("the same")
    units = [
        stand_ins.Writes(label=name, folder=tmp_path, name=name, asked=("x", "y")) for name in "abc"
    ]

    list(executor.do(units))

    assert sent == [b"the same"]
    assert {(tmp_path / name / "mark").read_text() for name in "abc"} == {"the samethe samedone"}


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (
            "ObjectStoreFullError",
            "a: the object store is full, and could not spill to disk; it was",
        ),
        ("OutOfDiskError", "a: the disk that the object store spills to is full"),
        ("NodeDiedError", "a: its node has left the cluster"),
    ],
)
def test_failures_of_the_cluster_are_told_with_the_unit(
    stand_ins: ModuleType, tmp_path: Path, kind: str, message: str
) -> None:
    """Not by Ray's own words alone."""
    unit = stand_ins.Writes(label="a", folder=tmp_path, name="a")

    def fail() -> None:
        raise getattr(ray.exceptions, kind)("of the cluster")

    with pytest.raises(ExecutionError, match=message):
        with_reasons(fail, unit)


def test_a_full_object_store_spills_to_disk(
    executor: RayExecutor, stand_ins: ModuleType, tmp_path: Path
) -> None:
    """A unit may read more than the store of its node holds."""
    for name in ("x", "y"):
        (tmp_path / name).write_text(name * (70 * 2**20))
    unit = stand_ins.Writes(label="a", folder=tmp_path, name="a", text="", asked=("x", "y"))

    list(executor.do([unit]))

    assert (tmp_path / "a" / "mark").stat().st_size == 140 * 2**20


def test_an_executor_that_cannot_be_used_leaves_the_cluster(
    ray_cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version is found before any unit is sent."""
    monkeypatch.setattr(ray_executor, "installed_version", lambda: "9.9.9")

    with pytest.raises(
        ExecutionError,
        match=r"node [\d.]+ has safecompress .*, and this machine has safecompress 9\.9\.9",
    ):
        open_ray(Execution(executor="ray", address=ray_cluster.address))
    assert not ray.is_initialized()


def test_a_plugin_that_a_node_lacks_is_named(executor: RayExecutor) -> None:
    """With the version that is wanted."""
    with pytest.raises(
        ExecutionError,
        match=re.escape("has no acme-attacks, and this machine has acme-attacks 0.3"),
    ):
        executor.require((("acme-attacks", "0.3"),))


DRIVER = """
import signal
import sys
from pathlib import Path

import click
import stand_in_units

from safecompress_core.cli import group
from safecompress_core.execution.ray_executor import open_ray
from safecompress_core.execution.settings import Execution


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
def hold(folder):
    units = [
        stand_in_units.Waits(
            label=name, folder=folder / "done", name=name, begun=folder, until=folder / "go"
        )
        for name in "ab"
    ]
    with open_ray(Execution(executor="ray", workers=2)) as executor:
        for unit in executor.do([unit for unit in units if not (unit.folder / unit.mark).exists()]):
            click.echo(unit.name)


if __name__ == "__main__":
    # Whatever has started the tests in the background may have them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    group.COMMANDS["run"] = ("driver:hold", "")
    group.main()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_driver_that_ends_leaves_no_process_and_goes_on_later(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Interrupted with exit code 130, or killed: its workers and its cluster are gone."""
    (tmp_path / "driver.py").write_text(DRIVER)
    paths = [str(tmp_path), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]

    def start() -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, str(tmp_path / "driver.py"), "run", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )

    def begun() -> list[int]:
        return [int(path.read_text()) for path in tmp_path.glob("*.begun")]

    first = start()
    wait_for(lambda: len(begun()) == 2, "both units")
    workers = begun()
    parents = [parent_of(worker) for worker in workers]
    first.send_signal(number)
    _, error = first.communicate(timeout=DEADLINE)

    assert first.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL), error
    wait_for(lambda: not any(map(is_alive, {*workers, *parents})), "workers and their raylet gone")
    assert not (tmp_path / "done").exists()
    (tmp_path / "go").touch()
    output, error = start().communicate(timeout=DEADLINE)
    assert sorted(output.split()) == ["a", "b"], error


DEADLINE = 180.0
"""Seconds that something may take on a busy machine before it counts as never."""


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until something holds, or fail after a time that is far more than it takes."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def parent_of(pid: int) -> int:
    """The process that has started another."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
