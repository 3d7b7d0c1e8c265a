"""What a model comes as, told before it is loaded."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from safecompress_core.api import Access
from safecompress_core.errors import StorageError
from safecompress_core.saved_models.model_format import Format, detect_model
from tests.core.fixtures.audited_models import configured, own_file, torchscript, weights


def test_an_output_without_a_name_counts_all_the_same(tmp_path: Path) -> None:
    """A gap in id2label would else shift all that follow."""
    folder = configured(tmp_path, id2label={"0": "no", "2": "yes"})

    assert detect_model(folder, allow_code=False).labels == ("no", "LABEL_1", "yes")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"problem_type": "multi_label_classification"}, "a sample may have several labels at"),
        ({"problem_type": "regression", "id2label": {"0": "age"}}, "so it predicts a number"),
        ({"id2label": {"0": "LABEL_0"}}, "its head has a single output"),
        ({"id2label": {"999999999": "a"}}, "is not as transformers writes it: id2label numbers"),
        ({"id2label": {"first": "a"}}, "is not as transformers writes it"),
    ],
)
def test_heads_that_are_no_classifiers_of_one_label_are_refused(
    config: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """Before anything is loaded."""
    with pytest.raises(StorageError, match=message):
        detect_model(configured(tmp_path, **config), allow_code=False)


def test_a_state_dict_says_nothing_of_itself_and_an_own_file_does(
    mlp: nn.Module, tmp_path: Path
) -> None:
    """Both are safetensors; whoever holds either sees the parameters."""
    plain = detect_model(weights(mlp, tmp_path), allow_code=False)
    own = detect_model(own_file(mlp, tmp_path), allow_code=False)

    assert plain.format is own.format is Format.WEIGHTS
    assert plain.format.access is Access.WHITE_BOX
    assert (plain.model_metadata, plain.labels) == ({}, ())
    assert own.model_metadata["model"] == {"type": "mlp", "hidden": [16]}
    assert own.labels[:2] == ("session 1", "session 2")
    assert plain.file_bytes == plain.path.stat().st_size
    assert plain.fingerprint() == hashlib.sha256(plain.path.read_bytes()).hexdigest()


def test_a_file_that_holds_code_has_to_be_allowed(mlp: nn.Module, tmp_path: Path) -> None:
    """TorchScript is told by its content, not by its name."""
    path = torchscript(mlp, tmp_path).rename(tmp_path / "model.anything")

    with pytest.raises(StorageError, match="a TorchScript model holds code.*--allow-code"):
        detect_model(path, allow_code=False)

    found = detect_model(path, allow_code=True)
    assert found.format is Format.TORCHSCRIPT
    assert found.format.access is Access.BLACK_BOX


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_pickle_is_never_loaded(mlp: nn.Module, tmp_path: Path, *, is_zip: bool) -> None:
    """Neither as torch writes it now, nor as it did; allowed code changes nothing."""
    path = tmp_path / "model.pt"
    torch.save(mlp.state_dict(), path, _use_new_zipfile_serialization=is_zip)

    with pytest.raises(StorageError, match="pickle.*safetensors.torch.save_file"):
        detect_model(path, allow_code=True)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    """A file, and a folder that is none of Hugging Face."""
    with pytest.raises(StorageError, match="cannot be read: No such file"):
        detect_model(tmp_path / "gone.safetensors", allow_code=False)
    with pytest.raises(StorageError, match="is a folder without config.json"):
        detect_model(tmp_path, allow_code=False)
