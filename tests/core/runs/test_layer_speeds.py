"""Speed of a model file's layers, with inputs that are made up."""

from pathlib import Path

import torch
from torch import nn

from safecompress_core.host import load_plugins
from safecompress_core.runs.layer_speeds import measure_layers
from safecompress_core.saved_models.storage import save_model
from safecompress_core.sparse.topology import Topology

TEXTS = """
from torch import nn


def build(input_shape, classes, generator):
    return nn.Sequential(nn.Embedding(30, 8), nn.Flatten(), nn.Linear(8 * input_shape[0], classes))
"""


def test_a_model_of_texts_is_asked_about_token_ids(tmp_path: Path) -> None:
    """Other models get numbers; an embedding takes none but whole ones."""
    (tmp_path / "texts.py").write_text(TEXTS)
    code = {"type": "python", "factory": "texts:build", "folder": str(tmp_path)}
    module = nn.Sequential(nn.Embedding(30, 8), nn.Flatten(), nn.Linear(32, 2))
    topology = Topology.from_masks({"2.weight": torch.ones(2, 32)})
    metadata = {"model": code, "classes": ["a", "b"], "input_shape": [4]}
    save_model(tmp_path / "model.safetensors", module.state_dict(), topology, metadata)

    found = measure_layers(
        tmp_path / "model.safetensors",
        batch=5,
        registry=load_plugins().registry,
        allow_code=True,
    )

    assert [layer["name"] for layer in found["layers"]] == ["2"]
    assert "Embedding" in found["dead_channels_kept"]
