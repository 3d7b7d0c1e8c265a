"""All runs of a comparison, in one place."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.compare import runner
from safecompress_core.compare.runner import ComparisonJob, Failure, run_comparison
from safecompress_core.errors import TrainingDivergedError
from safecompress_core.execution.executor import LocalExecutor
from safecompress_core.execution.settings import HERE, Execution
from safecompress_core.host import Registry, load_plugins
from safecompress_core.results.command_line import Invocation
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.comparison import Comparison, ComparisonRun, load_comparison

BASE = """\
version: 1
name: base
task: {data: {type: handwriting}, model: {type: mlp, hidden: [8]}}
training: {epochs: 1}
method: {type: prune, density: 0.5}
audit: {attackers: [{type: gap}]}
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    """What is built in."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


@pytest.fixture
def comparison(tmp_path: Path, registry: Registry) -> Comparison:
    """Two variants with two seeds."""
    (tmp_path / "base.yaml").write_text(BASE)
    variants = [
        {"name": name, "method": {"density": d}}
        for name, d in (("prune", 0.4), ("prune-more", 0.3))
    ]
    content = {"version": 1, "name": "trial", "base": "base.yaml", "seeds": [1, 2]}
    (tmp_path / "trial.yaml").write_text(json.dumps({**content, "variants": variants}))
    return load_comparison(tmp_path / "trial.yaml", registry=registry)


@contextmanager
def unwatched(_: ComparisonRun) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Shows nothing."""
    yield lambda _: None


def test_a_run_that_fails_takes_nothing_from_the_others(
    comparison: Comparison, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order, each with what it shares; done again, it is tried again."""
    done: list[tuple[str, int]] = []

    def run_one(loaded: LoadedSpec[Any], *_: Any, runs: Path, shared: Path, **__: Any) -> None:
        assert (runs, shared) == (tmp_path / "runs", tmp_path / "shared")
        done.append((str(loaded.resolved["method"]["density"]), loaded.spec.seed))
        if len(done) == 2:
            raise TrainingDivergedError("the loss is no number")

    monkeypatch.setattr(runner, "run_spec", run_one)
    job = ComparisonJob(
        folder=tmp_path,
        plugins_dir=None,
        invoked=Invocation(line="safecompress compare trial.yaml", directory="/"),
        watch=unwatched,
    )
    told: list[tuple[str, str | None]] = []

    def compare() -> tuple[list[Any], list[Failure]]:
        told.clear()
        return run_comparison(
            comparison,
            registry,
            job,
            execution=HERE,
            report_run=lambda run, reason: told.append((run.label, reason)),
            observers=lambda _: None,
            dataset_cache={},
        )

    finished, failures = compare()

    assert done == [("0.4", 1), ("0.3", 1), ("0.4", 2), ("0.3", 2)]
    assert finished == []  # the stand-in leaves no directory
    assert failures == [Failure(label=comparison.entries[1].label, reason="the loss is no number")]
    assert [reason for _, reason in told] == [None, "the loss is no number", None, None]

    _, failures = compare()
    assert failures == []
    assert len(done) == 8


class Recording(LocalExecutor):
    """Executor that does nothing and notes the seeds of the runs, as other processes get them."""

    is_local = False

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def do(self, units: Sequence[Any], **_: Any) -> Iterator[Any]:
        self.seeds += [unit.asked["seed"] for unit in units]
        yield from units


def test_workers_do_not_train_the_same_uncompressed_model_at_the_same_time(
    comparison: Comparison, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of one seed share it, so runs of different seeds come first."""
    executor = Recording()
    monkeypatch.setattr(runner, "open_executor", lambda _: executor)

    run_comparison(
        comparison,
        registry,
        ComparisonJob(folder=tmp_path, plugins_dir=None, invoked=None, watch=unwatched),
        execution=Execution(workers=2),
        report_run=lambda *_: None,
        observers=lambda _: None,
        dataset_cache={},
    )

    assert executor.seeds == [1, 2, 1, 2]
