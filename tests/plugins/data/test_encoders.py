"""New rows are encoded as the rows of training were, from the record in a model file alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from safecompress_core.toolkit import DataError, Dataset, Encoder
from safecompress_plugins.data.arrays.handwriting import Handwriting
from safecompress_plugins.data.arrays.manifest import NumpyParams
from safecompress_plugins.data.arrays.numpy_archive import NumpyArchive
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.images.image_folder import ImageFolder
from safecompress_plugins.data.images.manifest import ImageFolderParams
from safecompress_plugins.data.manifest import HandwritingParams
from safecompress_plugins.data.tables.csv_file import CsvFile
from safecompress_plugins.data.tables.manifest import CsvParams

TABLE = """age;job;town;pay;sex;notes;sick
39;clerk;Rome;10;f;x;no
50;pilot;Oslo;?;m;x;yes
;clerk;Rome;7.5;f;x;no
28;;Lima;3;m;x;yes
61;pilot;Kiel;10;f;x;no
44;clerk;Rome;2;m;x;yes
"""
PARAMS: dict[str, Any] = {
    "delimiter": ";",
    "target": "sick",
    "private": [{"column": "sex", "input": True}],
    "most_categories": 2,
}
FIRST = {"age": 39, "job": "clerk", "town": "Rome", "pay": 10, "sex": "f"}


def loaded(folder: Path, **changes: Any) -> Dataset:
    """The table as a data set."""
    (folder / "people.csv").write_text(TABLE)
    given = {"path": str(folder / "people.csv"), **PARAMS, **changes}
    return CsvFile(CsvParams.model_validate(given)).load()


def restored(data: Dataset) -> Encoder:
    """Its encoder, out of the text in which a model file keeps it."""
    assert data.encoder is not None
    return EncodingSource.encoder(json.loads(json.dumps(data.encoder.record)))


def inputs_of(data: Dataset) -> Tensor:
    """All of its samples."""
    return data.inputs[torch.arange(len(data))]


@pytest.mark.parametrize("scale", ["standard", "none"])
def test_the_rows_of_training_get_the_inputs_of_training(tmp_path: Path, scale: str) -> None:
    """Bit by bit: numbers, categories, rare and missing ones, and a private column that is seen."""
    data = loaded(tmp_path, scale=scale)

    found = restored(data).encode(tmp_path / "people.csv")

    assert torch.equal(found.inputs, inputs_of(data))
    assert found.names == ("1", "2", "3", "4", "5", "6")


def test_rows_may_come_as_mappings_columns_or_data_frames(tmp_path: Path) -> None:
    """Without the label, with columns in another order, and with others that nobody sees."""
    data = loaded(tmp_path)
    encoder, first = restored(data), inputs_of(data)[:1]
    shuffled = dict(reversed(FIRST.items()))
    pandas = pytest.importorskip("pandas")

    for rows in (
        [FIRST],
        [{**shuffled, "shoe": 43}],
        {name: [value] for name, value in FIRST.items()},
        pandas.DataFrame([FIRST]),
    ):
        assert torch.equal(encoder.encode(rows).inputs, first)


def test_a_missing_number_is_the_median_and_a_new_town_is_one_of_the_others(
    tmp_path: Path,
) -> None:
    """As in training: 44 is the middle of the ages 28, 39, 44, 50 and 61; Lima was a rare town."""
    encoder = restored(loaded(tmp_path))

    def encoded(**changes: Any) -> Tensor:
        return encoder.encode([FIRST | changes]).inputs

    assert torch.equal(encoded(age=None), encoded(age=44))
    assert torch.equal(encoded(age=float("nan")), encoded(age="44.0"))
    assert torch.equal(encoded(town="Bonn"), encoded(town="Lima"))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"sex": "x"}, "row 2: the column 'sex' holds 'x', a value unknown from training"),
        ({"sex": ""}, "row 2: the column 'sex' is empty, a value unknown from training"),
        ({"age": "old"}, "row 2: the column 'age' holds 'old', not a number"),
    ],
)
def test_a_value_that_training_never_had_is_refused(
    tmp_path: Path, row: dict[str, Any], message: str
) -> None:
    """With its row and column, and what there was."""
    with pytest.raises(DataError, match=message):
        restored(loaded(tmp_path)).encode([FIRST, FIRST | row])


def test_columns_that_are_missing_are_named(tmp_path: Path) -> None:
    """All of them, with what the model takes."""
    rows = [{"age": 3, "town": "Rome", "sex": "f"}]

    with pytest.raises(DataError, match="no column 'job', 'pay'") as caught:
        restored(loaded(tmp_path)).encode(rows)
    assert "sex, age, job, town, pay" in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "message"), [(FIRST, "a single mapping"), ([[1, 2]], "a row is a list")]
)
def test_what_is_no_table_is_refused(tmp_path: Path, rows: Any, message: str) -> None:
    """With what to give instead."""
    with pytest.raises(DataError, match=message):
        restored(loaded(tmp_path)).encode(rows)


def test_a_record_holds_no_row(tmp_path: Path) -> None:
    """Names of common categories, and figures of whole columns; no rare town, no path, no label."""
    data = loaded(tmp_path)
    assert data.encoder is not None
    record = json.dumps(data.encoder.record)

    assert "Rome" in record
    assert [name for name in ("Oslo", "Lima", "people.csv", "members") if name in record] == []


def test_texts_are_joined_as_in_training(tmp_path: Path) -> None:
    """A model of texts makes tokens of them."""
    data = loaded(tmp_path, text=["job", "town"])

    found = restored(data).encode(tmp_path / "people.csv")

    assert found.texts == data.texts
    assert found.texts[0] == "clerk\nRome"


def test_handwriting_takes_counts_of_ink() -> None:
    """Images as scikit-learn has them, flat or not."""
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    data = Handwriting(HandwritingParams()).load()

    for rows in (digits.images, digits.data, digits.images.tolist()):
        assert torch.equal(restored(data).encode(rows).inputs, inputs_of(data))


def test_arrays_of_bytes_stay_bytes(tmp_path: Path) -> None:
    """Divided as in training; numbers of another unit are refused."""
    place = tmp_path / "some.npz"
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 2, 4)
    np.savez(place, inputs=pixels, labels=np.array([0, 1] * 3))
    params = NumpyParams(path=str(place), inputs="inputs", target="labels")
    data = NumpyArchive(params).load()

    assert torch.equal(restored(data).encode(place).inputs, inputs_of(data))
    with pytest.raises(DataError, match="trained on bytes"):
        restored(data).encode(pixels / 255)
    with pytest.raises(DataError, match=r"rows are of shape \(6, 2, 3\)"):
        restored(data).encode(pixels[:, :, :3])


def test_images_are_scaled_and_normalised_as_in_training(tmp_path: Path) -> None:
    """From a folder, from paths, from bytes and from pixels."""
    generator = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for number in range(2):
            pixels = generator.integers(0, 256, (9, 7, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / label / f"{number}.png")
    params = {"path": str(tmp_path / "pets"), "size": 4, "normal": {"mean": [0.4], "std": [0.2]}}
    data = ImageFolder(ImageFolderParams.model_validate(params)).load()
    encoder, wanted = restored(data), inputs_of(data)
    paths = sorted((tmp_path / "pets").rglob("*.png"))

    found = encoder.encode(tmp_path / "pets")

    assert torch.equal(found.inputs, wanted)
    assert found.names == tuple(map(str, paths))
    assert torch.equal(encoder.encode([path.read_bytes() for path in paths]).inputs, wanted)
    assert torch.equal(encoder.encode([Image.open(path) for path in paths]).inputs, wanted)
    assert torch.equal(encoder.encode(paths[1]).inputs, wanted[1:2])
