"""Models rebuilt from their files, and what a file may not do when it is loaded."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from safecompress_core.errors import StorageError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.saved_models.load import load_classifier
from safecompress_core.saved_models.storage import save_model
from safecompress_core.sparse.topology import Topology

MODULE = """\
from pathlib import Path
from torch import nn

Path(__file__).with_name("was-imported").touch()

def build(input_shape, classes, generator):
    return nn.Sequential(nn.Linear(input_shape[0], 3), nn.ReLU(), nn.Linear(3, classes))
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    """Everything that is built in."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


def network(hidden: int = 3) -> nn.Sequential:
    """What the function of the module builds; with weights of its own at each call."""
    return nn.Sequential(nn.Linear(4, hidden), nn.ReLU(), nn.Linear(hidden, 2))


def stored(folder: Path, model: nn.Module, **metadata: Any) -> Path:
    """Write a model file whose metadata name a module beside it."""
    (folder / "named_by_the_file.py").write_text(MODULE)
    state = model.state_dict()
    masks = {name: torch.ones_like(state[name]).bool() for name in ("0.weight", "2.weight")}
    code = {"type": "python", "factory": "named_by_the_file:build", "folder": str(folder)}
    model_metadata = {"model": code, "classes": ["a", "b"], "input_shape": [4], **metadata}
    save_model(folder / "model.safetensors", state, Topology.from_masks(masks), model_metadata)
    return folder / "model.safetensors"


def test_code_that_a_file_names_is_not_imported(registry: Registry, tmp_path: Path) -> None:
    """The error says how to allow it, and how to do without."""
    path = stored(tmp_path, network())

    with pytest.raises(StorageError) as refused:
        load_classifier(path, registry=registry)

    assert "'python' imports and runs code that this file names" in str(refused.value)
    assert "allow_code=True" in str(refused.value)
    assert "load_classifier(path, network=...)" in str(refused.value)
    assert not (tmp_path / "was-imported").exists()


def test_code_is_run_where_the_caller_allows_it(registry: Registry, tmp_path: Path) -> None:
    """From the folder that the file names."""
    made, inputs = network(), torch.rand(5, 4)

    loaded = load_classifier(stored(tmp_path, made), registry=registry, allow_code=True)

    assert (tmp_path / "was-imported").exists()
    torch.testing.assert_close(loaded(inputs), made(inputs), rtol=0, atol=0)


def test_a_network_of_the_caller_is_filled_without_the_code(
    registry: Registry, tmp_path: Path
) -> None:
    """It is the module of what is returned, in eval mode."""
    made, own, inputs = network(), network().train(), torch.rand(5, 4)

    loaded = load_classifier(stored(tmp_path, made), network=own, registry=registry)

    assert loaded.module is own
    assert not own.training
    assert loaded.classes == ("a", "b")
    torch.testing.assert_close(loaded(inputs), made(inputs), rtol=0, atol=0)
    assert not (tmp_path / "was-imported").exists()


@pytest.mark.parametrize("hidden", [3, 2], ids=["of the architecture", "as in the file"])
def test_a_network_of_the_caller_may_have_either_shape(
    hidden: int, registry: Registry, tmp_path: Path
) -> None:
    """A file with narrower layers fills a network of the whole width, or one as narrow."""
    widths: Mapping[str, Any] = {"widths": {"0": [4, 2], "2": [2, 2]}}
    made, inputs = network(2), torch.rand(5, 4)
    path = stored(tmp_path, made, reshaping=widths)

    loaded = load_classifier(path, network=network(hidden), registry=registry)

    torch.testing.assert_close(loaded(inputs), made(inputs), rtol=0, atol=0)


def test_a_network_of_the_caller_that_does_not_fit_is_refused(
    registry: Registry, tmp_path: Path
) -> None:
    """With the tensors that differ."""
    with pytest.raises(StorageError, match=r"cannot be made again: .*other shapes: 0.weight"):
        load_classifier(stored(tmp_path, network()), network=network(7), registry=registry)
