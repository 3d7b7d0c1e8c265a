"""Data sets of Hugging Face's library, from local files: nothing is fetched."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.api import DataDef
from safecompress_core.errors import DataError
from safecompress_core.testing.data import DataConformance
from safecompress_plugins.data.arrays.manifest import DEFINITIONS, HuggingfaceParams

datasets = pytest.importorskip("datasets", reason="the extra huggingface is not installed")

BY_NAME = {definition.name: definition for definition in DEFINITIONS}


def saved(folder: Path) -> str:
    """Reviews in two parts, as ``save_to_disk`` writes them; the labels have names."""
    label = datasets.ClassLabel(names=["bad", "good"])
    kinds = datasets.Features(
        {"text": datasets.Value("string"), "label": label, "age": datasets.Value("int64")}
    )
    parts = {
        "train": {
            "text": ["no", "yes", "never", "always"],
            "label": [0, 1, 0, 1],
            "age": [1, 2, 3, 4],
        },
        "test": {"text": ["perhaps", "surely"], "label": [0, 1], "age": [5, 6]},
    }
    whole = datasets.DatasetDict(
        {name: datasets.Dataset.from_dict(part, features=kinds) for name, part in parts.items()}
    )
    whole.save_to_disk(str(folder / "reviews"))
    return str(folder / "reviews")


def loaded(**params: Any) -> Any:
    """Its samples."""
    from safecompress_plugins.data.huggingface_data import HuggingfaceData

    return HuggingfaceData(HuggingfaceParams.model_validate(params)).load()


class TestSavedTexts(DataConformance):
    definition: DataDef = BY_NAME["huggingface"]
    params = {"target": "label", "text": ["text"]}

    def write_files(self, folder: Path) -> Mapping[str, Any]:
        """Six reviews."""
        return {"path": saved(folder)}


def test_parts_tell_members_and_labels_have_their_names(tmp_path: Path) -> None:
    """The first part has the members."""
    data = loaded(path=saved(tmp_path), target="label", text=["text"])

    assert data.texts == ("no", "yes", "never", "always", "perhaps", "surely")
    assert data.classes == ("bad", "good")
    assert data.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert data.is_member.tolist() == [True] * 4 + [False] * 2


def test_a_part_may_be_left_out(tmp_path: Path) -> None:
    """Then nothing tells who is a member; numbers are inputs as in any table."""
    data = loaded(path=saved(tmp_path), target="label", drop=["text"], splits=["train"])

    assert data.is_member is None
    assert data.features == {"age": (0,)}
    assert data.inputs[torch.arange(4)].flatten().tolist() == pytest.approx(
        [-1.3416, -0.4472, 0.4472, 1.3416], abs=1e-4
    )


def test_a_folder_of_csv_files_is_a_data_set_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are parts by their names."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("train", "test"):
        (folder / f"{name}.csv").write_text("age,pay\n1,low\n2,high\n3,low\n4,high\n")

    data = loaded(path=str(folder), target="pay")

    assert len(data) == 8
    assert data.is_member.tolist() == [True] * 4 + [False] * 4


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"splits": ["train", "dev"]}, "there is no split 'dev'; there are: train, test"),
        ({"name": "org/reviews"}, "both 'name' and 'path' are set"),
        ({"target": "stars"}, "no column 'stars'"),
    ],
)
def test_what_does_not_fit_is_said(tmp_path: Path, params: dict[str, Any], message: str) -> None:
    """With what there is."""
    with pytest.raises(DataError, match=message):
        loaded(**({"path": saved(tmp_path), "target": "label", "text": ["text"]} | params))


def test_a_name_that_is_not_in_the_cache_is_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the spec says so."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setitem(os.environ, "HF_HOME", str(tmp_path))

    absent = {"name": "no-such-organisation/no-such-data", "target": "label"}
    with pytest.raises(DataError, match="write 'download: true'") as caught:
        loaded(**absent)
    assert caught.value.field == ("name",)

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)  # as where there is no network
    with pytest.raises(DataError) as caught:
        loaded(**absent, download=True)
    assert caught.value.hint.startswith("check the name, and whether the hub can be reached")
