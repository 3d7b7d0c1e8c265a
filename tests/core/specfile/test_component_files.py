"""Files and code that components read, and their hashes."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.api import DataDef, DataPath, MetricDef, Params
from safecompress_core.specfile.component_files import (
    ExternalCode,
    ExternalFiles,
    list_externals,
    list_pretrained_files,
    package_digest,
    sha256_of,
)


class TableParams(Params):
    path: DataPath = "prices.csv"
    others: list[DataPath] = ["more.csv", "most.csv"]
    note: str = "no path"


class Silent:
    """Declares nothing itself."""


class Reading:
    """Declares more than its path fields."""

    @staticmethod
    def reads(params: TableParams) -> list[ExternalFiles]:
        return [ExternalFiles(path=f"{params.path}.index")]


def test_a_file_has_the_hash_of_its_content(tmp_path: Path) -> None:
    """Under the path that the spec writes."""
    (tmp_path / "a.csv").write_bytes(b"1,2\n")

    found = dict(ExternalFiles(path=str(tmp_path / "a.csv")).digests())

    assert found == {str(tmp_path / "a.csv"): hashlib.sha256(b"1,2\n").hexdigest()}


def test_variables_of_a_path_are_expanded_and_not_part_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the same content elsewhere is the same."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.txt").write_bytes(b"x")
    monkeypatch.setenv("PLACE", str(tmp_path))

    found = dict(ExternalFiles(path="${env:PLACE}/b").digests())

    assert found == {"${env:PLACE}/b/x.txt": hashlib.sha256(b"x").hexdigest()}


def test_of_a_folder_hidden_files_do_not_count(tmp_path: Path) -> None:
    """Nor does what the patterns leave out: pickles and notes beside pretrained weights."""
    for name in (
        "model.safetensors", "config.json", "vocab.txt", "pytorch_model.bin", "README.md",
        ".hidden.json", "old/config.json",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)

    everything = [file.name for file in ExternalFiles(path=str(tmp_path)).files()]
    read = [file.name for file in list_pretrained_files(str(tmp_path)).files()]

    assert ".hidden.json" not in everything
    assert len(everything) == 6
    assert read == ["config.json", "model.safetensors", "vocab.txt"]


def test_what_is_not_there_has_no_hash(tmp_path: Path) -> None:
    """The component itself says what is missing."""
    assert not list(ExternalFiles(path=str(tmp_path / "nothing")).digests())


def test_all_sources_of_the_folder_count(tmp_path: Path) -> None:
    """Any may be imported; those of an environment below, or bytecode, may not."""
    for name in ("net.py", "layers/own.py", "notes.txt", "venv/pyvenv.cfg", "venv/lib/six.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    found = dict(ExternalCode(name="net:make", folder=str(tmp_path)).digests())

    assert set(found) == {f"{tmp_path}/net.py", f"{tmp_path}/layers/own.py"}


def test_what_is_imported_from_elsewhere_counts_as_a_package(tmp_path: Path) -> None:
    """Where the folder has no module of that name."""
    found = dict(ExternalCode(name="click.core:Command", folder=str(tmp_path)).digests())

    assert found == {"package click": package_digest("click")}


def test_a_package_is_hashed_without_being_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And has another hash after any of its sources has changed."""
    package = tmp_path / "house_of_nets"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "deep.py").write_text("width = 1")
    monkeypatch.syspath_prepend(tmp_path)

    before = package_digest("house_of_nets")
    (package / "deep.py").write_text("width = 2")

    assert before is not None
    assert package_digest("house_of_nets") != before
    assert package_digest("json") is None  # it comes with Python


@pytest.mark.parametrize(
    ("definition", "target", "paths"),
    [
        (MetricDef, "Silent", ["prices.csv", "more.csv", "most.csv"]),
        (MetricDef, "Reading", ["prices.csv.index"]),
        (DataDef, "Silent", []),
    ],
)
def test_path_fields_count_unless_the_implementation_declares_something(
    definition: Any, target: str, paths: list[str]
) -> None:
    """Of a data source the samples are hashed instead."""
    made = definition(
        name="some", params=TableParams, target=f"{__name__}:{target}", summary="Some."
    )

    assert [one.path for one in list_externals(made, TableParams())] == paths


def test_a_hash_is_that_of_sha256sum(tmp_path: Path) -> None:
    """So that a user can compare it; of ``abc``, FIPS 180-2, appendix B.1."""
    (tmp_path / "abc").write_bytes(b"abc")

    assert sha256_of(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
