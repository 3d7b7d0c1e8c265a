"""A comparison done as a whole."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.compare import runner
from safecompress_core.compare.compare_runs import compare_runs
from safecompress_core.compare.runner import ComparisonJob
from safecompress_core.errors import RunDirectoryError, TrainingDivergedError
from safecompress_core.execution.settings import HERE
from safecompress_core.host import load_plugins
from safecompress_core.specfile.load import compose_spec
from safecompress_core.specfile.models.comparison import load_comparison

VARIANTS = [{"method": {"density": 0.3}}]


@contextmanager
def unwatched(_: object) -> Iterator[Callable[[object], None]]:
    """Shows nothing."""
    yield lambda _: None


def test_a_line_is_said_for_each_run_and_no_record_is_written_of_none(
    tiny_spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no run could be finished, the error has every reason."""
    host = load_plugins()
    spec = {"version": 1, "name": "trial", "base": tiny_spec, "seeds": [1, 2]}
    spec |= {"variants": VARIANTS}
    comparison = load_comparison(compose_spec(spec, ()), registry=host.registry)

    def diverge(*_: Any, **__: Any) -> None:
        raise TrainingDivergedError("the loss is no number")

    monkeypatch.setattr(runner, "run_spec", diverge)
    job = ComparisonJob(
        folder=tmp_path / "trial",
        plugins_dir=None,
        invoked=None,
        watch=unwatched,
    )
    said: list[str] = []

    with pytest.raises(RunDirectoryError, match="no run of the comparison could be finished"):
        compare_runs(comparison, host, job, execution=HERE, dataset_cache={}, say=said.append)

    assert [line.partition(";")[0] for line in said] == [
        f"[{place}/2] test-driven, seed {place}: could not be finished: the loss is no number"
        for place in (1, 2)
    ]
    assert not (tmp_path / "trial" / "comparison.json").exists()
