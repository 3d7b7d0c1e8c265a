"""Files of predictions."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from safecompress_core.toolkit import DataError, Dataset
from safecompress_plugins.data.predictions.manifest import PredictionsParams
from safecompress_plugins.data.predictions.prediction_file import PredictionFile

NAMES = ("setosa", "versicolor", "virginica")
ROLES = ["species", "trained"]

Predictions = tuple[NDArray[np.float64], list[str], NDArray[np.bool_]]


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    """Probabilities for the irises, their species, and every other one a member."""
    inputs, labels = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(inputs[::2], labels[::2])
    probabilities: NDArray[np.float64] = model.predict_proba(inputs)
    return probabilities, [NAMES[label] for label in labels], np.arange(150) % 2 == 0


def table(path: Path, predictions: Predictions, header: list[str], roles: list[str]) -> Path:
    """Write a CSV file; ``header`` names the outputs."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerow([*roles, *header])
        for answer, label, is_member in zip(*predictions, strict=True):
            writer.writerow([label, "yes" if is_member else "no", *answer])
    return path


def loaded(path: Path, **params: Any) -> Dataset:
    """The samples of a file."""
    return PredictionFile(PredictionsParams(path=str(path), **params)).load()


def test_a_table_needs_no_parameters_if_its_columns_have_the_usual_names(
    predictions: Predictions, tmp_path: Path
) -> None:
    """``p_<label>`` names output and label at once; separators follow from the suffix."""
    header = [f"p_{name}" for name in NAMES]
    for suffix in (".csv", ".tsv"):
        path = table(tmp_path / f"p{suffix}", predictions, header, ["label", "member"])
        dataset = loaded(path)

        assert dataset.classes == NAMES
        assert dataset.is_member is not None
        assert torch.equal(dataset.is_member, torch.arange(150) % 2 == 0)
        np.testing.assert_allclose(np.asarray(dataset.inputs), predictions[0], rtol=1e-6)


def test_columns_of_other_names_are_named(predictions: Predictions, tmp_path: Path) -> None:
    """Then the names of the labels are, too; their order is that of the columns."""
    path = table(tmp_path / "p.csv", predictions, ["a", "b", "c"], ROLES)
    params = {"label": "species", "members": "trained", "outputs": ["a", "b", "c"]}

    assert loaded(path, **params, labels=list(NAMES)).classes == NAMES
    with pytest.raises(DataError, match="label of row 1, 'setosa', is none of the model's: a, b"):
        loaded(path, **params)
    with pytest.raises(DataError, match="2 labels are named, and there are 3 outputs"):
        loaded(path, **params, labels=["setosa", "versicolor"])
    with pytest.raises(DataError, match="no column 'label'"):
        loaded(path)


def test_columns_of_outputs_are_no_guess(predictions: Predictions, tmp_path: Path) -> None:
    """Neither without a known prefix, nor where two are there."""
    path = table(tmp_path / "p.csv", predictions, ["a", "b", "c"], ["label", "member"])
    with pytest.raises(DataError, match="there are none; name them .*: a, b, c"):
        loaded(path)

    both = [f"p_{name}" for name in NAMES] + [f"logit_{name}" for name in NAMES]
    answers, labels, is_member = predictions
    twice = (np.hstack([answers, np.log(answers)]), labels, is_member)
    path = table(tmp_path / "both.csv", twice, both, ["label", "member"])
    with pytest.raises(DataError, match="several kinds"):
        loaded(path)
    assert "logits" in loaded(path, outputs=both[3:]).notes[0]


def test_an_archive_has_an_array_of_them(predictions: Predictions, tmp_path: Path) -> None:
    """It is called what it holds; without names of labels, the labels are its columns' numbers."""
    answers, labels, is_member = predictions
    numbers = np.array([NAMES.index(label) for label in labels])
    path = tmp_path / "p.npz"
    np.savez(path, label=numbers, member=is_member, logits=np.log(answers))

    dataset = loaded(path)

    assert dataset.classes == ("0", "1", "2")
    assert "logits" in dataset.notes[0]
    np.savez(path, label=numbers[:-1], member=is_member, logits=np.log(answers))
    with pytest.raises(DataError, match="different lengths: 'label' has 149"):
        loaded(path)
    np.savez(path, label=numbers, member=is_member, logits=np.log(answers)[:, 0])
    with pytest.raises(DataError, match="shape \\(150,\\)"):
        loaded(path)


def test_parquet_is_read_as_a_table(predictions: Predictions, tmp_path: Path) -> None:
    """With the same samples as CSV."""
    pq = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")
    answers, labels, is_member = predictions
    columns = {f"p_{name}": answers[:, place] for place, name in enumerate(NAMES)}
    pq.write_table(
        pa.table({"label": labels, "member": is_member, **columns}), tmp_path / "p.parquet"
    )

    dataset = loaded(tmp_path / "p.parquet")

    np.testing.assert_allclose(np.asarray(dataset.inputs), answers, rtol=1e-6)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("", "1 of 150 records are missing or not finite; the first is row 3"),
        ("inf", "not finite; the first is row 3"),
        ("high", "row 3 of 'p_setosa' holds 'high'"),
    ],
)
def test_a_cell_that_is_no_number_is_named(
    cell: str, message: str, predictions: Predictions, tmp_path: Path
) -> None:
    """By its row, counted without the header."""
    path = table(
        tmp_path / "p.csv", predictions, [f"p_{name}" for name in NAMES], ["label", "member"]
    )
    lines = path.read_text().splitlines()
    cells = lines[3].split(",")
    lines[3] = ",".join([*cells[:2], cell, *cells[3:]])
    path.write_text("\n".join(lines))

    with pytest.raises(DataError, match=message):
        loaded(path)


def test_a_record_has_a_label_and_a_side(predictions: Predictions, tmp_path: Path) -> None:
    """Both are asked for by their columns."""
    path = table(
        tmp_path / "p.csv", predictions, [f"p_{name}" for name in NAMES], ["label", "member"]
    )
    text = path.read_text()
    path.write_text(text.replace("setosa,yes", ",yes", 1))
    with pytest.raises(DataError, match="row 1 has no label"):
        loaded(path)
    path.write_text(text.replace("setosa,yes", "setosa,perhaps", 1))
    with pytest.raises(DataError, match="'perhaps' in row 1 is neither"):
        loaded(path)
