"""Samples as named columns, whatever they are."""

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer

from safecompress_core.audit.blind_representation import MOST_COLUMNS, represent
from safecompress_core.data.dataset import Attribute, Dataset


def dataset(inputs: torch.Tensor, **more: object) -> Dataset:
    """Samples with two labels."""
    count = len(inputs)
    fields: dict[str, object] = {"attributes": {}, "classes": ("a", "b")} | more
    return Dataset(inputs=inputs, labels=torch.arange(count) % 2, **fields)  # type: ignore[arg-type]


def test_a_table_is_read_as_it_is_by_the_names_of_its_features() -> None:
    """One-hot columns together, private inputs too, and the task label at the end."""
    inputs = torch.arange(20.0).reshape(4, 5)
    private = Attribute(torch.zeros(4).long(), ("x",), columns=(3,))
    data = dataset(inputs, features={"job": (0, 1), "age": (2,)}, attributes={"sex": private})

    found = represent(data, torch.tensor([2, 0]))

    assert found is not None
    assert found.kind == "inputs"
    assert found.columns == {
        "job": (0, 1),
        "age": (2,),
        "sex": (3,),
        "input 5": (4,),
        "task label": (5,),
    }
    np.testing.assert_array_equal(found.values[:, :5], inputs[[2, 0]])
    assert found.values[:, 5].tolist() == [0, 0]


def test_of_images_brightness_contrast_sharpness_and_blocks_count() -> None:
    """By channel, and averages over eight by eight blocks of 4 pixels a side."""
    images = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))

    found = represent(dataset(images), torch.arange(6))

    assert found is not None
    assert len(found.columns) == 3 * 3 + 64 + 1
    values = found.values
    brightness, contrast = (
        values[:, found.columns[f"{name} of channel 2"]][:, 0]
        for name in ("brightness", "contrast")
    )
    np.testing.assert_allclose(brightness, images[:, 1].mean(dim=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(contrast, images[:, 1].flatten(1).std(dim=1), rtol=1e-5)
    block = images[:, :, 4:8, 28:32].mean(dim=(1, 2, 3))
    np.testing.assert_allclose(values[:, found.columns["block 2,8"]][:, 0], block, rtol=1e-5)


def test_an_image_of_one_row_has_finite_statistics() -> None:
    """It has no differences from row to row."""
    found = represent(dataset(torch.rand(4, 1, 1, 5)), torch.arange(4))

    assert found is not None
    assert np.isfinite(found.values).all()


def test_texts_are_weights_of_words_and_a_length() -> None:
    """As scikit-learn weighs them."""
    texts = ("the cat sat", "the dog sat down", "a bird", "the end of the day")
    data = dataset(torch.zeros(4, 0), texts=texts)

    found = represent(data, torch.arange(4))

    assert found is not None
    assert found.kind == "words"
    vectorizer = TfidfVectorizer()
    weights = vectorizer.fit_transform(texts).toarray()
    for column, word in enumerate(vectorizer.get_feature_names_out()):
        ours = found.values[:, found.columns[f"word {word!r}"]][:, 0]
        np.testing.assert_allclose(ours, weights[:, column], rtol=1e-6)
    assert found.values[:, found.columns["length"]][:, 0].tolist() == [11, 16, 6, 18]


def test_texts_without_a_word_have_a_length() -> None:
    """Signs alone."""
    found = represent(dataset(torch.zeros(2, 0), texts=("?", "!!")), torch.arange(2))

    assert found is not None
    assert list(found.columns) == ["length", "task label"]


def test_token_ids_are_counted() -> None:
    """Ids mean nothing as numbers; a pad token is a token."""
    tokens = torch.zeros(2, 16)
    tokens[0, :3], tokens[1, :2] = torch.tensor([101.0, 2003, 2003]), torch.tensor([101.0, 9])

    found = represent(dataset(tokens), torch.arange(2))

    assert found is not None
    assert found.kind == "tokens"
    values = {name: found.values[:, place] for name, place in found.columns.items()}
    counts = {name: column[:, 0].tolist() for name, column in values.items()}
    assert counts == {
        "token 0": [13, 14],
        "token 9": [0, 1],
        "token 101": [1, 1],
        "token 2003": [2, 0],
        "task label": [0, 1],
    }


def test_wide_inputs_are_projected() -> None:
    """Distances are kept to within a fifth, on average."""
    wide = torch.randn(40, MOST_COLUMNS + 744, generator=torch.Generator().manual_seed(0))

    found = represent(dataset(wide), torch.arange(40))

    assert found is not None
    assert found.kind == "projections of inputs"
    places = [found.columns[f"projection {number}"][0] for number in range(1, 33)]
    ratios = torch.pdist(torch.from_numpy(found.values[:, places])) / torch.pdist(wide)
    scale = (1000 / 32) ** 0.5
    assert float((ratios * scale).mean()) == pytest.approx(1, abs=0.1)
    assert float((ratios * scale).std()) < 0.2


def test_without_inputs_there_is_no_representation() -> None:
    """As of predictions alone, whose inputs are the answers of a model."""
    assert represent(dataset(torch.zeros(3, 0)), torch.arange(3)) is None
    assert represent(dataset(torch.rand(3, 2), holds_answers=True), torch.arange(3)) is None


def test_whole_numbers_of_a_table_are_no_tokens() -> None:
    """Where columns have names, or are few: incomes, and amounts that may be negative."""
    incomes = torch.arange(64.0).reshape(4, 16) * 1000
    named = dataset(incomes, features={"income": tuple(range(16))})

    for data in (named, dataset(incomes[:, :4]), dataset(incomes - 5)):
        found = represent(data, torch.arange(4))
        assert found is not None
        assert found.kind == "inputs"
