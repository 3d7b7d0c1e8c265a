"""Problems of the training section that only the data or the machine can show."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from safecompress_core.api import UNDECLARED, Definition, Kind, MethodDef
from safecompress_core.context.run_context import RunContext
from safecompress_core.host import load_plugins
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_core.training.data_parallel import DataParallel
from safecompress_core.training.rank import Rank
from tests.core.fixtures.refusals import line, refusal

Prepare = Callable[..., RunContext]

CROP = {"crop": 1, "flip": 0.5}


def test_compiling_needs_a_compiler(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found before the first step, not in it."""
    compiled = prepare(training={"epochs": 4, "compile": True}, device="cpu")
    require_feasible(compiled)
    monkeypatch.setattr("shutil.which", lambda _: None)

    [found] = refusal(compiled)
    assert found.endswith(
        "training.compile: torch compiles with a C++ compiler here, and there is none; install "
        "g++, or write false"
    )


def test_crops_and_flips_need_images(prepare: Prepare, tmp_path: Path) -> None:
    """Rows of numbers have no left and right; sizes of 0 are no augmentation."""
    rows = {"type": "made-up", "samples": 200, "classes": 14, "shape": [30]}

    assert refusal(prepare(task__data=rows, training={"epochs": 4, "augmentation": CROP})) == [
        f"{line(tmp_path, 'augmentation')}: training.augmentation: crops and flips need images of "
        "shape (channels, height, width); a sample has shape (30,); take it out"
    ]
    require_feasible(prepare(task__data=rows, training={"epochs": 4, "augmentation": {"crop": 0}}))


def test_a_crop_leaves_part_of_the_image(prepare: Prepare, tmp_path: Path) -> None:
    """With a padding as large as a side some windows would hold nothing else."""
    assert refusal(prepare(training={"epochs": 4, "augmentation": {"crop": 8}})) == [
        f"{line(tmp_path, 'crop')}: training.augmentation.crop: a crop of 8 may miss the whole "
        "image, which has 8 × 8 pixels; write at most 7"
    ]
    require_feasible(prepare(training={"epochs": 4, "augmentation": {"crop": 7}}))


class Two(DataParallel):
    """The first of two processes."""

    rank = Rank(number=0, size=2)


@pytest.fixture
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A launcher has started another process with this one."""
    monkeypatch.setattr("safecompress_core.preflight.training_checks.current_group", Two)


@pytest.mark.usefixtures("two_processes")
def test_a_method_that_needs_whole_batches_is_refused(prepare: Prepare) -> None:
    """At its place, with the reason that it declares; in one process it runs."""
    tree = {"type": "soft-tree", "tree": {"type": "soft-tree", "depth": 2}}

    [found] = refusal(prepare(method=tree))
    assert found.endswith(
        "method.type: 'soft-tree' balances the nodes of its tree over whole batches, and 2 "
        "processes divide each batch; run it in one process, without torchrun or accelerate"
    )


@pytest.mark.usefixtures("two_processes")
def test_a_defence_that_declares_nothing_is_refused(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin may know nothing of several processes."""
    prepared = prepare(method__defences=[{"type": "l2", "weight": 0.1}])
    require_feasible(prepared)
    monkeypatch.setattr(
        "safecompress_plugins.defences.training.l2.L2.needs_whole_batch", UNDECLARED
    )

    [found] = refusal(prepared)
    assert "method.defences.0.type: 'l2' does not declare that its steps may be divided" in found


@pytest.mark.usefixtures("two_processes")
def test_each_process_needs_two_samples_of_a_batch(prepare: Prepare) -> None:
    """Batch normalisation has no variance for one."""
    [found] = refusal(prepare(training={"epochs": 4, "batch_size": 3}))

    assert found.endswith(
        "training.batch_size: 2 processes divide each batch, and every process needs 2 samples of "
        "it; a batch has 3; write at least 4, or start fewer processes"
    )


def test_the_page_states_what_is_declared() -> None:
    """docs/scaling.md lists every built-in method and defence, with the reason of a refusal."""
    page = (Path(__file__).parents[3] / "docs" / "scaling.md").read_text()
    rows = [row.split("|")[1:4] for row in page.splitlines() if row.startswith("| `")]
    said = {
        name: (verdict.strip(), why.strip())
        for names, verdict, why in rows
        if verdict.strip() in ("right", "refused")
        for name in re.findall(r"`([a-z0-9-]+)`", names)
    }
    registry = load_plugins().registry
    built_in = [
        definition
        for kind in (Kind.METHOD, Kind.DEFENCE)
        for definition in registry.definitions(kind).values()
        if registry.origin(definition).is_built_in
    ]

    declared = {definition.name: _reason(definition) for definition in built_in}
    assert {name: verdict == "right" for name, (verdict, _) in said.items()} == {
        name: reason == "" for name, reason in declared.items()
    }
    assert all(said[name][1] == reason for name, reason in declared.items() if reason)


def _reason(definition: Definition) -> str:
    """Return what a definition, or the class that it names, says of whole batches."""
    if isinstance(definition, MethodDef):
        return definition.needs_whole_batch
    module, _, name = definition.target.partition(":")
    reason: str = getattr(import_module(module), name).needs_whole_batch
    return reason
