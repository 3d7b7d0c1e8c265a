"""Networks of a run as Python objects."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from safecompress_core.errors import DataError, ModelError
from safecompress_core.networks.pretrained import ImageClassifier
from safecompress_core.python.architectures import read_architecture
from safecompress_core.python.samples import read_samples
from tests.core.fixtures.text_models import small_text_model


def network() -> nn.Sequential:
    """A perceptron for four inputs."""
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def generator(seed: int) -> torch.Generator:
    """A source of random numbers."""
    return torch.Generator().manual_seed(seed)


def test_of_a_module_the_layers_count() -> None:
    """Its weights are drawn anew by each seed, so those that it has make no difference."""
    module = network()
    with torch.no_grad():
        module[0].weight.fill_(7)

    given = read_architecture(module)

    first, other = (given.build(generator(seed)).state_dict() for seed in (0, 1))
    assert not torch.equal(first["0.weight"], other["0.weight"])
    assert not (first["0.weight"] == 7).any()
    assert given.fingerprint() == read_architecture(network()).fingerprint()


def test_what_a_function_returns_is_where_training_starts() -> None:
    """Drawn by the seed, or of fixed weights; a copy, which leaves the caller's alone."""
    drawn = read_architecture(network)
    fixed = network()
    given = read_architecture(lambda: fixed)

    seeds = [drawn.build(generator(seed)).state_dict()["0.weight"] for seed in (0, 0, 1)]
    assert torch.equal(seeds[0], seeds[1])
    assert not torch.equal(seeds[0], seeds[2])
    built = given.build(generator(0))
    assert torch.equal(built.state_dict()["0.weight"], fixed[0].weight)
    assert built is not fixed


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (3, "model is a int; give a torch.nn.Module"),
        (lambda: 3, r"<lambda>\(\) returned a int; return a torch.nn.Module"),
        (lambda inputs: inputs, r"<lambda>\(\) cannot be called .* without arguments"),
    ],
)
def test_another_form_is_refused(model: Any, message: str) -> None:
    """The message names the forms that there are."""
    with pytest.raises(ModelError, match=message):
        read_architecture(model).fingerprint()


def test_a_text_classifier_comes_with_its_tokenizer() -> None:
    """Its weights are where training starts; numbers are no texts."""
    body, tokenizer = small_text_model()
    given = read_architecture((body, tokenizer))

    prepared = given.prepare(read_samples((["good film", "very very bad film"], [1, 0])))

    assert prepared.inputs.shape == (2, 4)
    built = given.build(generator(3))
    assert built(torch.as_tensor(prepared.inputs)).shape == (2, 2)
    assert torch.equal(
        built.state_dict()["body.classifier.weight"], body.state_dict()["classifier.weight"]
    )
    assert given.labels == ("LABEL_0", "LABEL_1")
    with pytest.raises(DataError, match="takes texts, and the data have none"):
        given.prepare(read_samples((np.ones((2, 3)), [1, 0])))
    with pytest.raises(ModelError, match="in a pair with its tokenizer"):
        read_architecture(body)


def test_another_vocabulary_is_another_network() -> None:
    """Its tokens would be others."""
    body, tokenizer = small_text_model()
    _, other = small_text_model()
    other.add_tokens(["boring"])

    prints = {read_architecture((body, one)).fingerprint() for one in (tokenizer, other)}

    assert len(prints) == 2


def test_an_image_classifier_of_transformers_takes_pixels() -> None:
    """Without a tokenizer."""
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8,
        image_size=8, patch_size=4, num_labels=3,
    )  # fmt: skip

    built = read_architecture(transformers.ViTForImageClassification(config)).build(generator(0))

    assert isinstance(built, ImageClassifier)
    assert built.eval()(torch.zeros(2, 3, 8, 8)).shape == (2, 3)
