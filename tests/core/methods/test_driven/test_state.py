"""What the loop has reached, in a checkpoint."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.lineages.lineage_training import LineageTraining
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.methods.test_driven.loop import TestDriven
from safecompress_core.methods.test_driven.params import TestDrivenParams
from safecompress_core.methods.test_driven.state import resume_state

Prepare = Callable[..., RunContext]
Events = list[Mapping[str, Any]]
RANDOM = {"prune": {"type": "magnitude"}, "grow": {"type": "random"}}


def method(prepare: Prepare, **changes: Any) -> TestDriven:
    """The method of the small spec."""
    made = prepare(**changes).method
    assert isinstance(made, TestDriven)
    return made


def files(folder: Path) -> set[str]:
    """Names without their endings."""
    return {path.stem for path in folder.glob("*")}


def run_until(
    loop: TestDriven, shop: MethodContext, saves: int, monkeypatch: Any
) -> MethodOutcome | None:
    """Run a method that is stopped where it would make one checkpoint too many."""
    save = shop.checkpoints.save
    made: list[str] = []

    def killed(name: str, *rest: Any) -> None:
        if len(made) == saves:
            raise KeyboardInterrupt
        made.append(name)
        save(name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(shop.checkpoints, "save", killed)
        try:
            return loop.run(shop)
        except KeyboardInterrupt:
            return None


def test_a_run_killed_after_the_archive_was_written_goes_on_to_the_same_end(
    prepare: Prepare,
    workshop: Callable[..., MethodContext],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the files of a round and its checkpoint: what the last checkpoint lists is there.

    The network has so many layers that their names are not in alphabetical order.
    """
    changes = {
        "method__rounds": 3,
        "method__strategies": [RANDOM],
        "task__model__hidden": [6, 6, 6, 6, 6],
    }
    expected = method(prepare, **changes).run(workshop(**changes))
    wanted = {path.name: path.read_bytes() for path in (tmp_path / "archive").iterdir()}
    for folder in ("archive", "checkpoints"):
        (tmp_path / folder).rename(tmp_path / f"undisturbed-{folder}")

    for saves in (1, 1):
        shop = workshop(**changes)
        assert run_until(method(prepare, **changes), shop, saves, monkeypatch) is None
        [checkpoint] = (tmp_path / "checkpoints").iterdir()
        record, _ = shop.checkpoints.load(checkpoint.name)  # type: ignore[misc]
        assert {entry["id"] for entry in record["archive"]} <= files(tmp_path / "archive")
    found = method(prepare, **changes).run(workshop(**changes))

    assert {path.name: path.read_bytes() for path in (tmp_path / "archive").iterdir()} == wanted
    assert found.archive == expected.archive
    assert found.chosen_id == expected.chosen_id
    kept, wanted_tensors = found.chosen.tensors(), expected.chosen.tensors()
    assert kept.keys() == wanted_tensors.keys()
    assert all(torch.equal(tensor, wanted_tensors[name]) for name, tensor in kept.items())


def test_one_checkpoint_is_kept_and_left_over_files_are_swept(
    prepare: Prepare, workshop: Callable[..., MethodContext], tmp_path: Path
) -> None:
    """Those of a candidate that is no longer on the front, wherever they came from."""
    shop = workshop()
    loop = method(prepare)
    stale = shop.archive_path("r1c1")
    stale.parent.mkdir()
    for number in (1, 2, 3):
        shop.archive_path(f"r1c{number}").write_bytes(b"left over")
    outcome = loop.run(shop)
    assert outcome.archive is not None

    assert files(tmp_path / "archive") == {entry.id for entry in outcome.archive.entries}
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["round-2"]


def test_without_a_checkpoint_there_is_nothing_to_resume(
    prepare: Prepare, workshop: Callable[..., MethodContext]
) -> None:
    """The loop begins at its beginning then."""
    params = prepare().spec.method
    assert isinstance(params, TestDrivenParams)
    context = workshop()
    training = LineageTraining(context, SparseTraining(params, []), twins=False)

    assert resume_state(training, context.settings([], density=0.3), rounds=8) is None


RACE = {
    "method__field": [3, 2],
    "method__twins": True,
    "method__strategies": [{**RANDOM, "set": {"learning_rate": [0.005, 0.02]}}],
    "attackers": [{"type": "counterfactual"}],
}


def test_a_race_killed_after_a_round_goes_on_to_the_same_end(
    prepare: Prepare,
    workshop: Callable[..., MethodContext],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Model, twin and settings of each lineage come back as they were."""
    loop = method(prepare, **RACE)
    whole = loop.run(workshop(**RACE))
    shutil.rmtree(tmp_path / "checkpoints")
    shutil.rmtree(tmp_path / "archive")

    assert run_until(loop, workshop(**RACE), 1, monkeypatch) is None
    resumed = loop.run(workshop(**RACE))

    assert resumed.rounds == whole.rounds
    assert resumed.chosen_id == whole.chosen_id
    after, before = resumed.chosen.tensors(), whole.chosen.tensors()
    assert after.keys() == before.keys()
    assert all(after[name].equal(before[name]) for name in after)
