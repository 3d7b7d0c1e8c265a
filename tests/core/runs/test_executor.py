"""Units of work, here or in other processes."""

import os
from functools import partial
from pathlib import Path

import pytest

from safecompress_core.errors import SafeCompressError
from safecompress_core.results.directory import write_json
from safecompress_core.runs.executor import run_units


def fails(unit: int) -> None:
    """The second one does."""
    if unit == 2:
        raise ValueError("this unit cannot be done")


def test_one_worker_goes_through_units_in_their_order() -> None:
    """In this process, each told as soon as it is done."""
    done: list[int] = []

    for unit in run_units(done.append, [3, 1, 2], workers=1):
        assert done[-1] == unit

    assert done == [3, 1, 2]


def test_several_workers_do_every_unit_in_other_processes(tmp_path: Path) -> None:
    """What they leave behind is what one would have left."""
    places = [tmp_path / name for name in ("a", "b", "c")]
    work = partial(write_json, content={"who": "cares"})

    assert set(run_units(work, places, workers=2)) == set(places)
    assert len({place.read_bytes() for place in places}) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_unit_raises_is_raised(workers: int, tmp_path: Path) -> None:
    """From another process too, with its own words."""
    work = partial(os.stat) if workers == 2 else fails
    units = [tmp_path, tmp_path / "nowhere"] if workers == 2 else [1, 2]

    with pytest.raises((ValueError, FileNotFoundError), match=r"cannot be done|nowhere"):
        list(run_units(work, units, workers=workers))  # type: ignore[arg-type]


def test_a_worker_that_dies_is_an_error_with_advice(tmp_path: Path) -> None:
    """Out of memory, most likely; the system says nothing of it."""
    del tmp_path

    with pytest.raises(SafeCompressError, match="a worker process has died: .* fewer --workers"):
        list(run_units(os._exit, [1, 2], workers=2))
