"""Work of a Ray worker, done here."""

from pathlib import Path
from types import ModuleType

import pytest

ray = pytest.importorskip("ray", reason="needs the extra 'ray'")

from safecompress_core.execution import ray_worker  # noqa: E402
from safecompress_core.execution.ray_worker import do_on_worker, list_packages  # noqa: E402
from safecompress_core.version import installed_version  # noqa: E402

pytestmark = pytest.mark.ray


@pytest.fixture(autouse=True)
def contents_for_references(monkeypatch: pytest.MonkeyPatch) -> None:
    """References are contents, so that no cluster is needed."""
    monkeypatch.setattr(ray, "get", lambda references: references)


def test_a_unit_is_done_in_a_folder_of_its_own(stand_ins: ModuleType, tmp_path: Path) -> None:
    """Nothing is written where the driver has its folder; a directory may be missing here."""
    unit = stand_ins.Writes(label="a", folder=tmp_path, name="a", asked=("given",))

    changes = do_on_worker(unit, [("given", b"given, ")], [], str(tmp_path / "nowhere"))

    assert changes.written["a/mark"] == b"given, done"
    assert set(changes.written) == {"a/mark", "a/pid", "a/device"}
    assert list(tmp_path.iterdir()) == []


def test_paths_start_where_the_driver_s_do(
    stand_ins: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spec's relative paths lead to the same files."""
    seen: list[Path] = []
    monkeypatch.setattr(ray_worker, "do_unit", lambda unit: seen.append(Path.cwd()))

    do_on_worker(stand_ins.Writes(label="a", folder=tmp_path, name="a"), [], [], str(tmp_path))

    assert seen == [tmp_path]
    assert Path.cwd() != tmp_path


def test_single_file_plugins_keep_the_name_of_their_folder(
    stand_ins: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records name the driver's folder; the copy is the same for the same files."""
    seen: list[tuple[Path, str]] = []
    monkeypatch.setattr(
        ray_worker, "do_unit", lambda unit: seen.append((unit.plugins_dir, unit.plugins_name))
    )
    unit = stand_ins.Writes(label="a", folder=tmp_path, name="a", plugins_dir=Path("mine"))

    for _ in range(2):
        do_on_worker(unit, [], [("one.py", b"x = 1")], str(tmp_path))

    assert seen[0] == seen[1]
    assert seen[0][1] == "mine"
    assert (seen[0][0] / "one.py").read_bytes() == b"x = 1"


def test_packages_are_python_s_the_product_s_and_the_plugins() -> None:
    """By distribution."""
    packages = list_packages()

    assert packages["safecompress"] == installed_version()
    assert packages["python"].startswith("3.")
