"""Folders of Hugging Face, and graphs of its models, made small by transformers itself."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.testing import ExporterConformance
from safecompress_core.toolkit import Exporter, ExportError, ExportSource
from safecompress_plugins.exporters.manifest import (
    DEFINITIONS,
    OnnxParams,
    Pt2Params,
    TransformersParams,
)
from safecompress_plugins.models.loaded_manifest import HuggingfaceModelParams

try:  # torchvision, which it imports where there is one, may be built for another torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        BertConfig,
        BertForSequenceClassification,
        BertTokenizer,
    )
except (ImportError, RuntimeError) as error:
    pytest.skip(f"transformers cannot be imported: {error}", allow_module_level=True)

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "news", "today", "is"]
CLASSES = ("bad", "good", "other", "none")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder with its tokenizer, as ``save_pretrained`` leaves it."""
    place = tmp_path_factory.mktemp("bert")
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=16,
        num_labels=len(CLASSES),
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertForSequenceClassification(config).save_pretrained(place)
    (place / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(place / "vocab.txt")).save_pretrained(place)
    return place


def ids(count: int) -> Tensor:
    """Token ids, (N, 8): texts of 3 to 8 tokens, padded at the end."""
    generator = torch.Generator().manual_seed(2)
    drawn = torch.randint(5, len(WORDS), (count, 8), generator=generator)
    lengths = torch.randint(3, 9, (count, 1), generator=generator)
    return torch.where(torch.arange(8) < lengths, drawn, 0)


def source_of(folder: Path, seed: int = 0) -> ExportSource:
    """The model of a spec with ``type: huggingface``; by another seed with other weights."""
    from safecompress_plugins.models.huggingface_model import HuggingfaceModel

    factory = HuggingfaceModel(
        HuggingfaceModelParams(path=str(folder), reads="texts", pretrained=seed == 0)
    )
    network = factory.build(
        input_shape=(8,), classes=len(CLASSES), generator=torch.Generator().manual_seed(seed)
    ).eval()
    return ExportSource(
        network=network,
        module=network,
        factory=factory,
        examples=ids(4),
        calibration=ids(32),
        classes=CLASSES,
    )


class TestTransformers(ExporterConformance):
    definition = next(one for one in DEFINITIONS if one.name == "transformers")
    place: ClassVar[Path]

    @pytest.fixture(autouse=True)
    def bert(self, folder: Path) -> None:
        type(self).place = folder

    def source(self, seed: int = 0) -> ExportSource:
        return source_of(self.place, seed)

    def samples(self) -> Tensor:
        return ids(50)


def test_a_folder_loads_with_from_pretrained(folder: Path, tmp_path: Path) -> None:
    """Logits, labels and tokenizer, without SafeCompress."""
    from safecompress_plugins.exporters.transformers_folder import TransformersFolder

    source, inputs = source_of(folder), ids(20)
    TransformersFolder(TransformersParams()).write(source, tmp_path)
    body = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    with torch.no_grad():
        logits = body(inputs, attention_mask=(inputs != 0).long()).logits
        wanted = source.network(inputs)

    assert torch.allclose(logits, wanted, atol=1e-6)
    assert [body.config.id2label[label] for label in range(4)] == list(CLASSES)
    assert AutoTokenizer.from_pretrained(tmp_path)("good news")["input_ids"][1:-1] == [5, 7]


def test_the_network_keeps_its_own_labels(folder: Path, tmp_path: Path) -> None:
    """Names of the export are no part of the model that was given."""
    from safecompress_plugins.exporters.transformers_folder import TransformersFolder

    source = source_of(folder)
    body: Any = source.module.body
    before = dict(body.config.id2label)
    TransformersFolder(TransformersParams()).write(source, tmp_path)

    assert body.config.id2label == before


def test_another_model_is_refused(tmp_path: Path) -> None:
    """With the formats that hold it."""
    from safecompress_plugins.exporters.transformers_folder import TransformersFolder

    network = nn.Sequential(nn.Linear(3, 2))
    source = ExportSource(
        network=network,
        module=network,
        factory=None,
        examples=torch.zeros(2, 3),
        calibration=torch.zeros(2, 3),
        classes=("a", "b"),
    )

    with pytest.raises(ExportError, match="this one is a Sequential; export it to onnx, pt2 or"):
        TransformersFolder(TransformersParams()).write(source, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["onnx", "pt2"])
def test_an_encoder_is_a_graph_for_texts_of_every_length(
    form: str, folder: Path, tmp_path: Path
) -> None:
    """The mask of padding is part of the graph."""
    made: Exporter
    if form == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
        from safecompress_plugins.exporters.onnx_graph import OnnxGraph

        made = OnnxGraph(OnnxParams())
    else:
        from safecompress_plugins.exporters.exported_program import ExportedProgramFile

        made = ExportedProgramFile(Pt2Params())
    source, inputs, path = source_of(folder), ids(30), tmp_path / f"model.{form}"
    made.write(source, path)
    loaded = made.load(path, source)

    with torch.no_grad():
        assert torch.allclose(loaded(inputs), source.network(inputs), atol=1e-5)
        assert torch.allclose(loaded(inputs[:1]), source.network(inputs[:1]), atol=1e-5)
