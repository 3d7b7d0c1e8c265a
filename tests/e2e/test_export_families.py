"""Runs on images and texts, exported: each family of models to the formats that hold it.

Data are CIFAR-10 and AG News, in the folder that SAFECOMPRESS_DATA names or in ../shared/data.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from safecompress import load_classifier
from safecompress_core.cli import cli

DATA = Path(os.environ.get("SAFECOMPRESS_DATA", "../shared/data")).absolute()
WORDS = (
    "the",
    "a",
    "to",
    "in",
    "of",
    "and",
    "on",
    "for",
    "its",
    "us",
    "new",
    "iraq",
    "oil",
    "game",
)
IMAGES = {"type": "cifar10", "root": str(DATA / "cifar10"), "samples": 300}
TEXTS = {"type": "ag-news", "root": str(DATA), "samples": 300}
BASE: dict[str, Any] = {
    "version": 1,
    "device": "cpu",
    "seed": 3,
    "pools": {"members": 120, "attack_train": 0.4, "select": 0.3, "audit": 0.3},
    "training": {"epochs": 2, "batch_size": 32, "learning_rate": 0.003},
    "audit": {"attackers": [{"type": "loss-threshold"}]},
}

LENIENT = {"onnx-int8": ("--set", "agreement=0.8")}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (DATA / "cifar10").exists() or not (DATA / "ag_news_test.csv").exists(),
        reason="needs CIFAR-10 and AG News in SAFECOMPRESS_DATA or ../shared/data",
    ),
]


def invoke(*arguments: object) -> Result:
    """The outcome of a command."""
    return CliRunner().invoke(cli, [*map(str, arguments)])


def run(place: Path, name: str, data: dict[str, Any], model: dict[str, Any], **method: Any) -> Path:
    """The directory of a short run of a pruned model."""
    spec = BASE | {
        "name": name,
        "task": {"data": data, "model": model},
        "method": {"type": "prune", "density": 0.3, **method},
    }
    (place / "spec.yaml").write_text(json.dumps(spec))
    outcome = invoke("run", place / "spec.yaml", "--runs-dir", place / "runs")
    assert outcome.exit_code == 0, outcome.stderr
    [directory] = (place / "runs").iterdir()
    return directory


def export(directory: Path, form: str) -> dict[str, Any]:
    """The record of an export, which is verified.

    Models of two epochs are hardly sure of any label, so that int8 changes more of them.
    """
    place = directory.parent / form
    outcome = invoke(
        "export", directory, "--to", form, "--output", place, "--json", *LENIENT.get(form, ())
    )
    assert outcome.exit_code == 0, outcome.stderr
    assert invoke("verify", place).exit_code == 0
    record: dict[str, Any] = json.loads(outcome.stdout)
    return record


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A tiny BERT with its tokenizer, as ``save_pretrained`` leaves it."""
    transformers = pytest.importorskip("transformers")
    place, words = tmp_path / "bert", ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        max_position_embeddings=32,
        num_labels=4,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.BertForSequenceClassification(config).save_pretrained(place)
    (place / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(place / "vocab.txt")).save_pretrained(place)
    return place


@pytest.mark.parametrize("model", ["vgg11", "resnet18"])
def test_a_convolutional_network_ships_as_a_graph_in_float_and_in_int8(
    model: str, tmp_path: Path
) -> None:
    """With batch normalisation and, in ResNet, shortcuts; int8 is smaller."""
    pytest.importorskip("onnxscript")
    directory = run(tmp_path, model, IMAGES, {"type": model, "width": 0.0625})
    records = {form: export(directory, form) for form in ("onnx", "onnx-int8", "safetensors")}

    assert records["onnx"]["agreement"]["largest_difference"] < 1e-3
    assert records["safetensors"]["agreement"]["largest_difference"] == 0
    assert records["onnx-int8"]["agreement"]["agreement"] >= 0.8
    assert records["onnx-int8"]["file_bytes"] < records["onnx"]["file_bytes"]
    assert all(set(record["attacks"]) == {"loss-threshold"} for record in records.values())
    refused = invoke("export", directory, "--to", "transformers", "--output", tmp_path / "none")
    assert refused.exit_code == 2
    assert "transformers holds models loaded with 'type: huggingface'" in refused.stderr
    assert not (tmp_path / "none").exists()


def test_a_program_of_a_convolutional_network_carries_its_guard(tmp_path: Path) -> None:
    """And a state dict, which has no place for it, is refused."""
    method = {"defences": [{"type": "hamp"}]}
    directory = run(tmp_path, "guarded", IMAGES, {"type": "vgg11", "width": 0.0625}, **method)
    record = export(directory, "pt2")
    refused = invoke("export", directory, "--to", "safetensors", "--output", tmp_path / "none")

    assert record["guard"] == "hamp"
    inputs = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        wanted = load_classifier(directory / "model" / "model.safetensors")(inputs)
        answers = torch.export.load(directory.parent / "pt2" / "model.pt2").module()(inputs)
    torch.testing.assert_close(answers, wanted, atol=1e-4, rtol=1e-4)
    assert refused.exit_code == 2
    assert "safetensors cannot carry the output guard of 'hamp'" in refused.stderr


def test_an_encoder_of_texts_ships_in_every_format(encoder: Path, tmp_path: Path) -> None:
    """As a folder of Hugging Face, as graphs, as a program and as tensors."""
    pytest.importorskip("onnxscript")
    model = {"type": "huggingface", "path": str(encoder), "max_length": 16}
    directory = run(tmp_path, "news", TEXTS, model)
    records = {
        form: export(directory, form)
        for form in ("transformers", "onnx", "onnx-int8", "pt2", "safetensors")
    }

    for form, record in records.items():
        limit = 0.5 if form == "onnx-int8" else 1e-3
        assert record["agreement"]["largest_difference"] < limit, form
        assert record["agreement"]["agreement"] >= 0.8, form
        assert set(record["attacks"]) == {"loss-threshold"}
    folder = directory.parent / "transformers"
    loaded = pytest.importorskip("transformers").AutoModelForSequenceClassification.from_pretrained(
        folder
    )
    assert len(loaded.config.id2label) == 4
