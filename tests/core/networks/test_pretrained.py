"""Classifiers of transformers as networks of one tensor."""

import pytest
import torch
from torch import nn

from safecompress_core.networks.pretrained import (
    DecoderClassifier,
    ImageClassifier,
    TextClassifier,
    is_pretrained,
    is_text_model,
    token_ids,
)
from tests.core.fixtures.text_models import small_text_model

TEXTS = ["good film", "very very very bad film", "bad", "good"]


def test_logits_are_those_of_transformers_whatever_the_length_of_other_texts() -> None:
    """Each text is compared with the classifier's own answer to it alone."""
    body, tokenizer = small_text_model()

    ids = token_ids(tokenizer, TEXTS)

    assert ids.tolist()[0][-3:] == [-1, -1, -1]
    assert ids.shape == (4, 5)
    with torch.no_grad():
        for text, logits in zip(TEXTS, TextClassifier.around(body)(ids), strict=True):
            expected = body(**tokenizer(text, return_tensors="pt")).logits[0]
            torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)
    assert token_ids(tokenizer, TEXTS, max_length=3).shape == (4, 3)


def test_a_decoder_classifies_at_the_last_token() -> None:
    """As transformers does, which asks for its padding token."""
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=6, n_embd=8, n_layer=1, n_head=2, num_labels=2, pad_token_id=0
    )
    body = transformers.GPT2ForSequenceClassification(config).eval()
    network = TextClassifier.around(body)

    assert isinstance(network, DecoderClassifier)
    with torch.no_grad():
        answers = network(torch.tensor([[2, 3, -1], [4, 5, 2]]))
        expected = body(input_ids=torch.tensor([[2, 3]])).logits[0]
    torch.testing.assert_close(answers[0], expected, atol=1e-5, rtol=1e-4)


def test_a_classifier_of_images_takes_pixels() -> None:
    """By the argument's name in transformers."""

    class Body(nn.Module):
        def forward(self, pixel_values: torch.Tensor) -> object:
            return type("Output", (), {"logits": pixel_values.flatten(1)})

    assert ImageClassifier(Body())(torch.ones(2, 1, 2, 2)).shape == (2, 4)


def test_classifiers_of_transformers_are_recognised() -> None:
    """By the package of their class, without an import of it."""
    body, tokenizer = small_text_model()

    assert (is_pretrained(body), is_pretrained(nn.Linear(2, 2)), is_pretrained(3)) == (
        True,
        False,
        False,
    )
    assert is_text_model((body, tokenizer))
    assert not is_text_model(([0.5], [0.5]))
