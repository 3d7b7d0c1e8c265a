"""Problems of the training section that only the data or the machine can show."""

from collections.abc import Callable
from pathlib import Path

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.preflight.run_checks import require_feasible
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
