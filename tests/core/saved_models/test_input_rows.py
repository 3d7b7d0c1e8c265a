"""What a model file needs beside itself to read rows, and what is said where that has changed."""

import warnings
from pathlib import Path

import pytest

from safecompress_core.api import DataPath, ModelDef, Params
from safecompress_core.errors import StorageError
from safecompress_core.saved_models.input_rows import digests_read, require_same_files
from safecompress_core.specfile.component_files import ExternalCode, ExternalFiles


class NamedParams(Params):
    path: DataPath


class Reading:
    """Reads a folder, and code in it."""

    @staticmethod
    def reads(params: NamedParams) -> list[ExternalFiles | ExternalCode]:
        return [
            ExternalFiles(path=params.path, patterns=("*.json", "*.safetensors")),
            ExternalCode(name="rows_net:make", folder=params.path),
        ]


DEFINITION = ModelDef(
    name="named", params=NamedParams, target=f"{__name__}:Reading", summary="Reads a folder."
)


@pytest.fixture
def params(tmp_path: Path) -> NamedParams:
    """A folder with a vocabulary, weights and code."""
    for name in ("vocabulary.json", "model.safetensors", "rows_net.py"):
        (tmp_path / name).write_text("{}")
    return NamedParams(path=str(tmp_path))


def test_weights_are_left_out_since_the_model_file_has_its_own(
    params: NamedParams, tmp_path: Path
) -> None:
    """What is left is told apart: files, and code."""
    found = digests_read(DEFINITION, params)

    assert {kind: sorted(names) for kind, names in found.items()} == {
        "files": [f"{tmp_path}/vocabulary.json"],
        "code": [f"{tmp_path}/rows_net.py"],
    }


def test_the_same_files_pass(params: NamedParams, tmp_path: Path) -> None:
    """Whatever has become of weights and of what nobody recorded."""
    recorded = digests_read(DEFINITION, params)
    (tmp_path / "model.safetensors").write_text("others")
    (tmp_path / "new.json").write_text("{}")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        require_same_files(recorded, DEFINITION, params)


@pytest.mark.parametrize("is_gone", [True, False])
def test_another_vocabulary_is_an_error(
    params: NamedParams, tmp_path: Path, *, is_gone: bool
) -> None:
    """Since a word would be another token; the file is named."""
    recorded = digests_read(DEFINITION, params)
    if is_gone:
        (tmp_path / "vocabulary.json").unlink()
    else:
        (tmp_path / "vocabulary.json").write_text("[]")

    with pytest.raises(StorageError, match=r"was written: .*/vocabulary\.json; the model needs"):
        require_same_files(recorded, DEFINITION, params)


def test_other_code_is_a_warning(params: NamedParams, tmp_path: Path) -> None:
    """A comment changes it as well."""
    recorded = digests_read(DEFINITION, params)
    (tmp_path / "rows_net.py").write_text("# a comment")

    with pytest.warns(UserWarning, match=r"rows_net\.py; its answers may be others"):
        require_same_files(recorded, DEFINITION, params)
