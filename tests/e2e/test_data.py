"""Runs on data of one's own: a table, a folder of images, a function."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from safecompress_core.errors import RunDirectoryError, SpecError
from safecompress_core.host import load_plugins
from safecompress_core.runs.run import FinishedRun, run_spec
from safecompress_core.specfile.load import load_spec

DIGITS = load_digits()


def run(folder: Path, data: dict[str, Any], name: str = "own", **spec: Any) -> FinishedRun:
    """One epoch of a small network on some data, and two attacks."""
    whole = {
        "version": 1,
        "name": name,
        "device": "cpu",
        "task": {"data": data, "model": {"type": "mlp", "hidden": [8]}},
        "training": {"epochs": 2, "batch_size": 32},
        "method": {"type": "uncompressed"},
        "audit": {"attackers": [{"type": "loss-threshold"}]},
        **spec,
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(whole))
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    loaded = load_spec(path, registry=registry, allow_code=data["type"] == "python")
    return run_spec(loaded, registry, runs=folder / "runs", observers=lambda _: None)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """120 digits as images, a folder a label; one of them twice."""
    for index in range(120):
        folder = tmp_path / "pictures" / str(DIGITS.target[index] % 2)
        folder.mkdir(parents=True, exist_ok=True)
        pixels = (DIGITS.images[index] * 15).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03}.png")
        if index == 7:
            Image.fromarray(pixels).save(folder / "again.png")
    return tmp_path / "pictures"


def test_a_run_gives_the_same_bytes_wherever_images_are_kept(
    pictures: Path, tmp_path: Path
) -> None:
    """In memory, on disk, or read ahead by workers; the copy is left out, and that is noted."""
    places: list[dict[str, Any]] = [
        {"storage": "memory"},
        {"storage": "disk"},
        {"storage": "disk", "workers": 1},
    ]
    runs = [
        run(tmp_path, {"type": "image-folder", "path": str(pictures), **place}) for place in places
    ]

    models = {(one.path / "model" / "model.safetensors").read_bytes() for one in runs}
    assert len(models) == 1
    assert len({one.path for one in runs}) == 3
    for one in runs:
        assert one.results.data.samples == 120
        assert one.results.audit == runs[0].results.audit
        note = "1 of 121 samples are exact copies of others, and are left out"
        assert note in one.results.data.notes


def test_copies_stay_if_the_spec_says_so(pictures: Path, tmp_path: Path) -> None:
    """All 121 of them."""
    data = {"type": "image-folder", "path": str(pictures)}

    finished = run(tmp_path, data, pools={"duplicates": "keep"})

    assert finished.results.data.samples == 121


def test_a_table_becomes_a_run_with_its_members_and_people(tmp_path: Path) -> None:
    """Who is a member is what the file says; nobody is in two pools."""
    lines = ["who,kept,a,b,odd"]
    for index in range(240):
        a, b = DIGITS.data[index, [20, 42]]
        person = index // 3
        lines.append(f"{person},{person % 2},{a},{b + index / 1000},{DIGITS.target[index] % 2}")
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n")
    data = {
        "type": "csv",
        "path": str(tmp_path / "table.csv"),
        "target": "odd",
        "members": "kept",
        "group": "who",
    }

    finished = run(tmp_path, data, pools={"members": "given"})

    pools = finished.results.pools
    assert sum(pool.members for pool in pools.values()) == 120
    assert all(pool.members % 3 == 0 for pool in pools.values())
    assert "who: 80 groups, never split" in finished.results.data.notes


def test_a_function_makes_the_samples_of_a_run(tmp_path: Path) -> None:
    """Whose spec the user has allowed to name code."""
    (tmp_path / "own_digits.py").write_text(
        "import torch\n"
        "from sklearn.datasets import load_digits\n"
        "from safecompress_core.toolkit import Dataset\n"
        "def digits(count):\n"
        "    data = load_digits()\n"
        "    return Dataset(\n"
        "        inputs=torch.from_numpy(data.images[:count]).float(),\n"
        "        labels=torch.from_numpy(data.target[:count]),\n"
        "        classes=tuple('0123456789'), attributes={}, notes=('my own',))\n"
    )
    data = {
        "type": "python",
        "function": "own_digits:digits",
        "folder": str(tmp_path),
        "arguments": {"count": 200},
    }

    finished = run(tmp_path, data)

    assert finished.results.data.samples == 200
    assert finished.results.data.notes == ("my own",)


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        ({"path": "nowhere.csv", "target": "x"}, "task.data.path", "there is no 'nowhere.csv' in"),
        ({"target": "odd"}, "task.data.target", "there is no column 'odd'; did you mean 'add'?"),
        (
            {"target": "kind", "private": ["add", "kind"]},
            "task.data.private.1",
            "cannot be private as well",
        ),
        ({"target": "kind"}, "task.data.target", "'c' of 'kind' has a single sample"),
        ({"target": "add", "samples": 99}, "task.data.samples", "there are only 5"),
    ],
)
def test_data_that_cannot_be_used_are_a_problem_of_the_spec(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    data: dict[str, Any],
    place: str,
    message: str,
) -> None:
    """With its place and what there is, before anything is trained."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.csv").write_text("add,kind\n1,a\n2,a\n1,b\n2,b\n1,c\n")

    with pytest.raises(SpecError) as caught:
        run(tmp_path, {"type": "csv", "path": "few.csv", **data})

    [problem] = caught.value.problems
    assert problem.path == place
    assert message in str(problem)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("is_finished", [True, False])
def test_a_run_does_not_go_on_with_other_samples(tmp_path: Path, *, is_finished: bool) -> None:
    """Its directory is that of the spec, which cannot know that a file has changed."""
    table = tmp_path / "table.csv"
    lines = [f"{number % 17},{number % 2},{number}" for number in range(120)]
    table.write_text("a,odd,b\n" + "\n".join(lines) + "\n")
    data = {"type": "csv", "path": str(table), "target": "odd"}
    first = run(tmp_path, data)
    assert not run(tmp_path, data).is_new
    if not is_finished:
        (first.path / "results.json").unlink()
    table.write_text("a,odd,b\n" + "\n".join(lines[1:]) + "\n")

    with pytest.raises(
        RunDirectoryError,
        match=r"began: the samples of task.data \(.*\);",
    ):
        run(tmp_path, data)
