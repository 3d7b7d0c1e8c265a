"""Arrays of a .npz file, and samples that a function returns."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from safecompress_core.api import DataDef
from safecompress_core.errors import DataError, ModelError
from safecompress_core.testing.data import DataConformance
from safecompress_plugins.data.arrays.manifest import (
    DEFINITIONS,
    NumpyParams,
    PythonParams,
    TorchvisionParams,
)
from safecompress_plugins.data.arrays.numpy_archive import NumpyArchive
from safecompress_plugins.data.arrays.python_function import PythonFunction
from safecompress_plugins.data.images.torchvision_images import TorchvisionImages
from safecompress_plugins.models.loaded_manifest import TorchvisionModelParams
from safecompress_plugins.models.torchvision_model import TorchvisionModel

BY_NAME = {definition.name: definition for definition in DEFINITIONS}

MODULE = """\
import torch
from safecompress_core.toolkit import Dataset

def samples(count=4):
    labels = torch.arange(count) % 2
    return Dataset(inputs=labels[:, None].float(), labels=labels, classes=("a", "b"), attributes={})

def nothing():
    return None

def broken():
    raise RuntimeError("out of ink")

NUMBER = 3
"""


def arrays(path: Path, **changes: Any) -> str:
    """Twelve digits: even or odd, how many lines, and who is a member."""
    digits = load_digits()
    content = {
        "inputs": digits.images[:12].astype(np.uint8),
        "labels": np.where(digits.target[:12] % 2, "odd", "even"),
        "digit": digits.target[:12] % 5,
        "member": np.arange(12) < 6,
        "writer": np.repeat(["x", "y", "z"], 4),
    }
    np.savez(path, **(content | changes))
    return str(path)


class TestNumpy(DataConformance):
    definition: DataDef = BY_NAME["numpy"]
    params = {"private": ["digit"], "members": "member", "group": "writer"}

    def write_files(self, folder: Path) -> Mapping[str, Any]:
        """Twelve digits."""
        return {"path": arrays(folder / "digits.npz")}


class TestPython(DataConformance):
    definition: DataDef = BY_NAME["python"]
    params = {"function": "maker_of_samples:samples", "arguments": {"count": 6}}

    def write_files(self, folder: Path) -> Mapping[str, Any]:
        """A module with a function."""
        (folder / "maker_of_samples.py").write_text(MODULE)
        return {"folder": str(folder)}


def numpy_data(path: str, **params: Any) -> Any:
    """The samples of a file."""
    return NumpyArchive(NumpyParams.model_validate({"path": path, **params})).load()


def test_bytes_are_divided_by_255_and_labels_may_be_text(tmp_path: Path) -> None:
    """All other numbers are taken as they are."""
    path = arrays(tmp_path / "digits.npz")
    data = numpy_data(path, private=["digit"], members="member")
    other = numpy_data(arrays(tmp_path / "other.npz", inputs=np.full((12, 3), 7.5)))

    digits = load_digits()
    assert torch.allclose(data.inputs * 255, torch.from_numpy(digits.images[:12]).float())
    assert [data.classes[label] for label in data.labels[:4]] == ["even", "odd", "even", "odd"]
    assert data.attributes["digit"].values.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert data.is_member.tolist() == [True] * 6 + [False] * 6
    assert (other.inputs == 7.5).all()
    assert other.bounds is None


@pytest.mark.parametrize(
    ("changes", "params", "message"),
    [
        ({}, {"target": "label"}, "no array 'label'; did you mean 'labels'"),
        ({"labels": np.arange(11)}, {}, "'inputs' has 12, 'labels' has 11"),
        ({"labels": np.zeros((12, 2))}, {}, r"'labels' has the shape \(12, 2\)"),
        ({"inputs": np.arange(12)}, {}, r"int64 of shape \(12,\)"),
        ({"labels": np.array([object()] * 12)}, {}, "cannot read .* as arrays"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    tmp_path: Path, changes: dict[str, Any], params: dict[str, Any], message: str
) -> None:
    """Objects, which only unpickling could read, among them."""
    path = arrays(tmp_path / "digits.npz", **changes)

    with pytest.raises(DataError, match=message):
        numpy_data(path, **params)


def test_a_file_of_one_array_is_no_archive(tmp_path: Path) -> None:
    """Nor is a text."""
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("inputs")

    for name in ("one.npy", "text.npz"):
        with pytest.raises(DataError, match=r"not an \.npz archive"):
            numpy_data(str(tmp_path / name))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("samples", "not of the form 'module:function'"),
        ("no_such_module:samples", "No module named 'no_such_module'"),
        ("another_maker:no_such", "has no callable 'no_such'"),
        ("another_maker:NUMBER", "has no callable 'NUMBER'"),
        ("another_maker:broken", "RuntimeError: out of ink"),
        ("another_maker:nothing", "returned a NoneType"),
    ],
)
def test_a_function_that_is_of_no_use_is_told_with_the_reason(
    tmp_path: Path, function: str, message: str
) -> None:
    """At the parameter that names it."""
    (tmp_path / "another_maker.py").write_text(MODULE)
    params = PythonParams(function=function, folder=str(tmp_path))

    with pytest.raises(DataError, match=message) as caught:
        PythonFunction(params).load()

    assert caught.value.field == ("function",)


def test_a_torchvision_for_another_torch_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it raises when it is imported would tell nobody what to do."""
    (tmp_path / "torchvision").mkdir()
    broken = "raise RuntimeError('operator torchvision::nms does not exist')"
    (tmp_path / "torchvision" / "__init__.py").write_text(broken)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [one for one in sys.modules if one.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(DataError, match="does not fit the torch that is installed"):
        TorchvisionImages(TorchvisionParams(name="FashionMNIST", root=str(tmp_path)))
    with pytest.raises(ModelError, match="does not fit the torch that is installed"):
        TorchvisionModel(TorchvisionModelParams(name="resnet18"))


def test_two_archives_are_read_as_one(tmp_path: Path) -> None:
    """Labels are numbered over both; members come first."""
    for name, labels in (("in", ["b", "c"]), ("out", ["a", "c"])):
        np.savez(tmp_path / f"{name}.npz", inputs=np.eye(2, 3), labels=np.array(labels))

    data = numpy_data(str(tmp_path / "in.npz"), non_members=str(tmp_path / "out.npz"))

    assert data.classes == ("a", "b", "c")
    assert data.labels.tolist() == [1, 2, 0, 2]
    assert data.is_member.tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("inputs", "params", "message"),
    [
        (np.zeros((2, 4)), {}, r"'inputs' is float64 of rows \(3,\) in one file, and float64 of"),
        (np.zeros((2, 3), dtype=np.uint8), {}, "and uint8 of rows"),
        (np.zeros((2, 3)), {"members": "labels"}, "and the two files both give membership"),
    ],
)
def test_two_archives_that_do_not_fit_are_refused(
    inputs: Any, params: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """Bytes in one and fractions in the other would be told apart by their scale alone."""
    np.savez(tmp_path / "in.npz", inputs=np.zeros((2, 3)), labels=np.array([0, 1]))
    np.savez(tmp_path / "out.npz", inputs=inputs, labels=np.array([0, 1]))

    with pytest.raises(DataError, match=message):
        numpy_data(str(tmp_path / "in.npz"), non_members=str(tmp_path / "out.npz"), **params)


def test_labels_of_two_archives_may_be_of_two_types(tmp_path: Path) -> None:
    """Whole numbers in one and floats in the other are the same labels."""
    for name, labels in (("in", np.array([0, 1, 1])), ("out", np.array([1.0, np.nan, 0.0]))):
        np.savez(tmp_path / f"{name}.npz", inputs=np.eye(3), labels=labels)

    data = numpy_data(str(tmp_path / "in.npz"), non_members=str(tmp_path / "out.npz"))

    assert data.classes == ("0", "1")
    assert data.labels.tolist() == [0, 1, 1, 1, 0]
    assert data.is_member is not None
    assert data.is_member.tolist() == [True, True, True, False, False]
    assert data.notes[0] == "1 of 6 samples are left out: no label"


def test_labels_of_bytes_are_utf_8(tmp_path: Path) -> None:
    """Other bytes are refused, with what to do."""
    labels = np.array(["Müller", "Çelik"])
    np.savez(tmp_path / "utf8.npz", inputs=np.eye(2), labels=np.char.encode(labels, "utf-8"))
    np.savez(tmp_path / "latin.npz", inputs=np.eye(2), labels=np.char.encode(labels, "latin-1"))

    assert numpy_data(str(tmp_path / "utf8.npz")).classes == ("Müller", "Çelik")
    with pytest.raises(DataError, match="'labels' holds bytes that are not UTF-8 text"):
        numpy_data(str(tmp_path / "latin.npz"))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            np.array([[1 << 24], [(1 << 24) + 1]]),
            "16777216 and 16777217, which are equal as float32",
        ),
        (np.array([[1.7e9], [1.7e9 + 1]]), "1700000000.0 and 1700000001.0, which are equal"),
        (np.array([[1e39], [0.0]]), "1e\\+39, which is too large for float32"),
    ],
)
def test_inputs_that_float32_cannot_hold_are_refused(
    inputs: Any, message: str, tmp_path: Path
) -> None:
    """Identifiers and times would lose what tells them apart."""
    np.savez(tmp_path / "data.npz", inputs=inputs, labels=np.array([0, 1]))

    with pytest.raises(DataError, match=message):
        numpy_data(str(tmp_path / "data.npz"))


def test_rounding_to_float32_is_told(tmp_path: Path) -> None:
    """Numbers that are kept exactly are not worth a note."""
    np.savez(tmp_path / "data.npz", inputs=np.array([[0.1], [0.2]]), labels=np.array([0, 1]))
    assert "inputs: float64 rounded to float32" in numpy_data(str(tmp_path / "data.npz")).notes

    np.savez(tmp_path / "data.npz", inputs=np.array([[0.5], [0.25]]), labels=np.array([0, 1]))
    assert not [note for note in numpy_data(str(tmp_path / "data.npz")).notes if "float" in note]
