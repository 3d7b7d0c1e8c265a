"""Models of transformers, made small and saved by transformers itself."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from safecompress_core.testing import ModelConformance
from safecompress_core.toolkit import Classifier, Dataset, ModelError, observe
from safecompress_plugins.models.loaded_manifest import DEFINITIONS, HuggingfaceModelParams

try:  # torchvision, which it imports where there is one, may be built for another torch
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        BertModel,
        BertTokenizer,
        GPT2Config,
        GPT2ForSequenceClassification,
        LlamaConfig,
        LlamaForSequenceClassification,
        PreTrainedTokenizerFast,
        ViTConfig,
        ViTForImageClassification,
    )
except (ImportError, RuntimeError) as error:
    pytest.skip(f"transformers cannot be imported: {error}", allow_module_level=True)

[DEFINITION] = [one for one in DEFINITIONS if one.name == "huggingface"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "news", "today", "is"]
TEXTS = ("good news today", "bad", "today is good good good news")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny pretrained encoder with its tokenizer, as ``save_pretrained`` leaves it."""
    place = tmp_path_factory.mktemp("bert")
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=16,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(place)
    (place / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(place / "vocab.txt")).save_pretrained(place)
    return place


def factory(**params: Any) -> Any:
    """The factory of these parameters."""
    from safecompress_plugins.models.huggingface_model import HuggingfaceModel

    return HuggingfaceModel(HuggingfaceModelParams(**params))


def texts() -> Dataset:
    """Three texts of two kinds."""
    return Dataset(
        inputs=torch.zeros(3, 0),
        labels=torch.tensor([0, 1, 0]),
        classes=("a", "b"),
        attributes={},
        texts=TEXTS,
    )


def digests(**params: Any) -> dict[str, str]:
    """Of everything that the model reads."""
    from safecompress_plugins.models.huggingface_model import HuggingfaceModel

    read = HuggingfaceModel.reads(HuggingfaceModelParams(**params))
    return {name: digest for external in read for name, digest in external.digests()}


def test_weights_configuration_and_vocabulary_are_part_of_a_run(
    folder: Path, tmp_path: Path
) -> None:
    """Other weights in the same file are another model; a note or a pickle beside them is none."""
    place = tmp_path / "bert"
    shutil.copytree(folder, place)
    before = digests(path=str(place))
    weights = load_file(place / "model.safetensors")
    save_file({name: -one for name, one in weights.items()}, place / "model.safetensors")
    (place / "README.md").write_text("Other weights.")
    after = digests(path=str(place))

    assert {f"{place}/{name}" for name in ("config.json", "tokenizer.json")} <= set(before)
    assert {one for one in before if before[one] != after[one]} == {f"{place}/model.safetensors"}
    assert set(before) == set(after)


def test_another_tokenizer_is_part_of_a_run_as_well(folder: Path, tmp_path: Path) -> None:
    """Beside the model's own files."""
    place = tmp_path / "words"
    shutil.copytree(folder, place)

    both = digests(path=str(folder), tokenizer=str(place))

    assert {name for name in both if name.startswith(str(place))} > {f"{place}/tokenizer.json"}
    assert f"{folder}/model.safetensors" in both


def test_files_of_the_hub_are_those_of_the_local_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the model's name, wherever the cache is; a model that is not there has none."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_CACHE", str(tmp_path))
    commit = "0" * 40
    snapshot = tmp_path / "models--house--net" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text(commit)

    assert list(digests(name="house/net")) == ["house/net/config.json"]
    assert digests(name="house/ghost") == {}


class TestHuggingface(ModelConformance):
    definition = DEFINITION
    input_shape = (9,)

    @pytest.fixture(autouse=True)
    def _folder(self, folder: Path) -> None:
        type(self).params = {"path": str(folder)}  # type: ignore[misc]

    def inputs(self, count: int = 4) -> Tensor:
        """Token ids."""
        return torch.randint(1, 10, (count, 9), generator=torch.Generator().manual_seed(1))


class TestHuggingfaceImages(ModelConformance):
    definition = DEFINITION

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        place = tmp_path_factory.mktemp("vit")
        config = ViTConfig(
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=12,
            image_size=32,
            patch_size=16,
        )
        with torch.random.fork_rng():
            ViTForImageClassification(config).save_pretrained(place)
        type(self).params = {"path": str(place), "reads": "images"}  # type: ignore[misc]


def network(folder: Path, **params: Any) -> Classifier:
    """For the texts, in eval mode."""
    made = factory(path=str(folder), **params)
    inputs = made.prepare(texts()).inputs
    generator = torch.Generator().manual_seed(0)
    module = made.build(input_shape=tuple(inputs.shape[1:]), classes=2, generator=generator)
    return Classifier(module, sample=inputs[:1]).eval()


def test_texts_become_token_ids(folder: Path) -> None:
    """By the model's own tokenizer: [CLS], words, [SEP], padding, cut to the longest allowed."""
    ids = factory(path=str(folder), max_length=6).prepare(texts()).inputs

    assert ids.dtype == torch.int64
    assert ids.tolist() == [[2, 5, 7, 8, 3, 0], [2, 6, 3, 0, 0, 0], [2, 8, 9, 5, 5, 3]]


def test_weights_are_those_of_the_file(folder: Path) -> None:
    """All but the last layer, which the file lacks; without them, none."""
    kept = BertModel.from_pretrained(folder).state_dict()
    name = "encoder.layer.0.intermediate.dense.weight"
    state = network(folder).state()

    assert torch.equal(state[f"body.bert.{name}"], kept[name])
    fresh = network(folder, pretrained=False).state()
    assert not torch.equal(fresh[f"body.bert.{name}"], kept[name])


def test_padding_changes_nothing(folder: Path) -> None:
    """A text is answered as transformers answers it alone, however long its neighbours are."""
    classifier, inputs = network(folder), factory(path=str(folder)).prepare(texts()).inputs
    body = classifier.module.body
    assert isinstance(body, BertForSequenceClassification)
    with torch.no_grad():
        logits = classifier(inputs)
        for row, ids in enumerate(inputs):
            alone = body(input_ids=ids[ids != 0][None]).logits[0]
            torch.testing.assert_close(logits[row], alone)


def test_a_batch_is_cut_to_its_longest_text(folder: Path) -> None:
    """What is padding in all of them costs nothing."""
    classifier, inputs = network(folder), factory(path=str(folder)).prepare(texts()).inputs
    lengths: list[int] = []
    classifier.module.body.register_forward_pre_hook(  # type: ignore[union-attr]
        lambda _, __, given: lengths.append(given["input_ids"].shape[1]), with_kwargs=True
    )
    with torch.no_grad():
        classifier(inputs[:1])
        classifier(inputs)

    assert lengths == [5, 8]


def test_embeddings_norms_and_biases_stay_dense(folder: Path) -> None:
    """Linear layers alone are thinned out: attention, feed-forward, pooler, classifier."""
    found = network(folder).sparse_parameters()

    assert len(found) == 4 + 2 + 2
    assert not any("embeddings" in name or "LayerNorm" in name for name in found)
    assert all(name.endswith(".weight") for name in found)


def test_a_model_of_texts_is_observed_like_any_other(folder: Path) -> None:
    """Closed-form last-layer gradients are those of autograd."""
    classifier, data = network(folder), factory(path=str(folder)).prepare(texts())
    seen = observe(classifier, data.inputs, data.labels)
    loss = torch.nn.functional.cross_entropy(classifier(data.inputs)[:1], data.labels[:1])
    [expected] = torch.autograd.grad(loss, classifier.head.weight)

    torch.testing.assert_close(seen.last_layer_gradients[0], expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "'name' or 'path' is missing; write one of 'name' and 'path'"),
        ({"path": "nowhere"}, "there is no folder 'nowhere'"),
        ({"name": "no-one/has-this"}, "the model 'no-one/has-this' is not available"),
    ],
)
def test_a_model_that_cannot_be_had_is_a_clear_error(params: dict[str, Any], message: str) -> None:
    """Offline, absent or not said at all; the hub is not asked."""
    with pytest.raises(ModelError, match=message):
        factory(**params).build(input_shape=(4,), classes=2, generator=torch.Generator())


@pytest.mark.parametrize(
    ("params", "hint", "field"),
    [
        ({"name": "no-one/has-this"}, "write 'download: true' to ask the hub", "name"),
        ({"name": "no-one/has-this", "download": True}, "check the name, and whether", "name"),
        ({"path": "."}, "name a folder with config.json", "path"),
        ({"path": ".", "tokenizer": "none"}, "name a folder with config.json", "tokenizer"),
    ],
)
def test_what_to_do_fits_what_was_asked(
    params: dict[str, Any], hint: str, field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told to write what is written already; the hub is not reached here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(ModelError) as caught:
        factory(**params).prepare(texts())

    assert caught.value.hint.startswith(hint)
    assert caught.value.field == (field,)


def test_what_transformers_cannot_import_is_told_by_its_cause(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It imports torchvision wherever there is one, for models of texts as well."""

    def broken(*_: Any, **__: Any) -> None:
        reason = RuntimeError("operator torchvision::nms does not exist")
        raise ModuleNotFoundError("Could not import module") from reason

    monkeypatch.setattr("transformers.AutoTokenizer.from_pretrained", broken)

    with pytest.raises(ModelError, match=r"cannot import the tokenizer \(operator torchvision"):
        factory(path=str(folder)).prepare(texts())


def test_weights_that_would_have_to_be_unpickled_are_refused(folder: Path, tmp_path: Path) -> None:
    """Only safetensors files are read."""
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    torch.save({}, tmp_path / "pytorch_model.bin")

    with pytest.raises(ModelError, match="the model .* is not available"):
        factory(path=str(tmp_path)).build(input_shape=(4,), classes=2, generator=torch.Generator())


def test_data_without_texts_are_refused(folder: Path) -> None:
    """With what to write."""
    data = Dataset(
        inputs=torch.zeros(2, 3), labels=torch.tensor([0, 1]), classes=("a", "b"), attributes={}
    )
    with pytest.raises(ModelError, match="needs texts, and the data have none; set 'text'"):
        factory(path=str(folder)).prepare(data)


WORD_LIST = ["good", "bad", "news", "today", "is"]


def vocabulary(special: list[str], *, first: bool) -> dict[str, int]:
    """Ids of special tokens and words; either of them first."""
    tokens = [*special, *WORD_LIST] if first else [*WORD_LIST, *special]
    return {token: number for number, token in enumerate(tokens)}


def tokenizer(place: Path, ids: dict[str, int], **names: str) -> None:
    """Write a tokenizer of whole words; its special tokens by their short names: unk, pad, eos."""
    special = {f"{name}_token": token for name, token in names.items()}
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(ids, unk_token=names["unk"]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=made, **special).save_pretrained(place)


def encoder(place: Path, **config: Any) -> BertForSequenceClassification:
    """Write an encoder with a trained head, as far as a test can tell."""
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes = {"intermediate_size": 12, "max_position_embeddings": 16, "vocab_size": 9}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        body = BertForSequenceClassification(BertConfig(**small, **sizes, **config))
        body.classifier.weight.data.mul_(20)
    body.eval().save_pretrained(place)
    return body


@pytest.mark.parametrize("told", [{}, {"pad_token_id": 1}], ids=["default", "another one"])
def test_padding_is_what_the_tokenizer_says(told: dict[str, int], tmp_path: Path) -> None:
    """Whatever the model's configuration has: its default 0 is a word here."""
    ids = vocabulary(["[UNK]", "[PAD]"], first=False)
    tokenizer(tmp_path, ids, unk="[UNK]", pad="[PAD]")
    body = encoder(tmp_path, **told)
    made = factory(path=str(tmp_path))
    inputs = made.prepare(texts()).inputs

    assert inputs.tolist() == [[0, 2, 3, 6, 6, 6], [1, 6, 6, 6, 6, 6], [3, 4, 0, 0, 0, 2]]
    generator = torch.Generator().manual_seed(0)
    module = made.build(input_shape=(6,), classes=2, generator=generator).eval()
    with torch.no_grad():
        for logits, row in zip(module(inputs), inputs, strict=True):
            alone = body(input_ids=row[row != 6][None]).logits[0]
            torch.testing.assert_close(logits, alone)


@pytest.mark.parametrize("padding", [{}, {"pad": "<end>"}], ids=["no token", "the end"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_a_decoder_answers_at_the_last_token(
    kind: str, padding: dict[str, str], tmp_path: Path
) -> None:
    """As transformers answers each text alone, also without a token for padding; white-box."""
    ids = vocabulary(["<end>"], first=False)
    tokenizer(tmp_path, ids, unk="<end>", eos="<end>", **padding)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        if kind == "gpt2":
            gpt = GPT2Config(vocab_size=6, n_embd=8, n_layer=1, n_head=2, n_positions=16)
            body: Any = GPT2ForSequenceClassification(gpt).eval()
        else:
            llama = LlamaConfig(
                vocab_size=6,
                hidden_size=8,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=12,
                max_position_embeddings=16,
            )
            body = LlamaForSequenceClassification(llama).eval()
        body.score.weight.data.mul_(20)
    body.save_pretrained(tmp_path)

    classifier = network(tmp_path)
    inputs = factory(path=str(tmp_path)).prepare(texts()).inputs

    assert inputs.tolist() == [[0, 2, 3, -1, -1, -1], [1, -1, -1, -1, -1, -1], [3, 4, 0, 0, 0, 2]]
    with torch.no_grad():
        seen = classifier.forward_with_representation(inputs)
        for logits, row in zip(seen.logits, inputs, strict=True):
            alone = body(input_ids=row[row >= 0][None]).logits[0]
            torch.testing.assert_close(logits, alone)
    assert classifier.head is classifier.module.body.score
    assert seen.representation.shape == (3, 8)


def test_a_trained_head_keeps_the_names_of_its_labels(tmp_path: Path) -> None:
    """So that a run starts from it in the right order; a head that is drawn has none."""
    tokenizer(tmp_path, vocabulary(["[UNK]", "[PAD]"], first=True), unk="[UNK]")
    encoder(tmp_path, id2label={0: "POSITIVE", 1: "NEGATIVE"})

    assert factory(path=str(tmp_path)).labels == ("POSITIVE", "NEGATIVE")
    assert factory(path=str(tmp_path), pretrained=False).labels == ()


def test_code_that_a_configuration_names_is_not_run(folder: Path, tmp_path: Path) -> None:
    """Kernels of the hub are code."""
    config = BertConfig.from_pretrained(folder).to_dict()
    config["attn_implementation"] = "somebody/kernel"
    (tmp_path / "config.json").write_text(json.dumps(config))

    with pytest.raises(ModelError, match="names code of the hub .'somebody/kernel'."):
        factory(path=str(tmp_path)).build(input_shape=(6,), classes=2, generator=torch.Generator())


@pytest.mark.parametrize("method", ["integrated-gradients", "saliency"])
def test_answers_to_texts_are_attributed_to_their_tokens(folder: Path, method: str) -> None:
    """One figure a position, of the word embeddings; padding, which is masked, has none."""
    pytest.importorskip("captum")
    from safecompress_plugins.metrics.attribution import attribute_inputs

    module = factory(path=str(folder)).build(
        input_shape=(9,), classes=2, generator=torch.Generator().manual_seed(0)
    )
    network = Classifier(module.eval())
    ids = torch.randint(1, 10, (4, 9), generator=torch.Generator().manual_seed(1))
    ids[0, 6:] = 0

    found = attribute_inputs(network, ids, torch.tensor([0, 1, 0, 1]), method=method, steps=8)

    assert found.shape == (4, 9)
    assert found[1:].count_nonzero() == 27
    assert found[0, :6].count_nonzero() == 6
    torch.testing.assert_close(found[0, 6:], torch.zeros(3))


def test_the_loss_of_an_encoder_has_a_sharpness(folder: Path) -> None:
    """Attention is differentiated twice; a product is that of a difference of gradients."""
    from safecompress_plugins.metrics.sharpness import hessian_product

    module = factory(path=str(folder)).build(
        input_shape=(9,), classes=2, generator=torch.Generator().manual_seed(0)
    )
    network = Classifier(module.eval().double())
    ids = torch.randint(1, 10, (4, 9), generator=torch.Generator().manual_seed(1))
    labels = torch.tensor([0, 1, 0, 1])
    product, size = hessian_product(network, ids, labels)
    parameters = list(network.module.parameters())
    generator = torch.Generator().manual_seed(2)
    direction = torch.randn(size, generator=generator, dtype=torch.float64)

    def gradient(step: float) -> Tensor:
        start = torch.nn.utils.parameters_to_vector(parameters).detach()
        torch.nn.utils.vector_to_parameters(start + step * direction, parameters)
        loss = torch.nn.functional.cross_entropy(network(ids), labels)
        found = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        torch.nn.utils.vector_to_parameters(start, parameters)
        return torch.cat([one.flatten() for one in found])

    expected = (gradient(1e-5) - gradient(-1e-5)) / 2e-5
    torch.testing.assert_close(product(direction), expected, rtol=1e-3, atol=1e-6)
