"""Python objects as models and samples of an audit."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.utils.data import TensorDataset

from safecompress_core.errors import DataError, ModelError
from safecompress_core.python.objects import read_objects, train_by
from safecompress_core.saved_models.model_format import Format
from tests.core.fixtures.text_models import small_text_model

INPUTS, LABELS = load_iris(return_X_y=True)
INPUTS = INPUTS.astype(np.float32)
MEMBERS, OTHERS = (INPUTS[::2], LABELS[::2]), (INPUTS[1::2], LABELS[1::2])
EVERY = np.concatenate([INPUTS[::2], INPUTS[1::2]])


@pytest.fixture(scope="module")
def regression() -> LogisticRegression:
    """A classifier of irises."""
    return LogisticRegression(max_iter=500).fit(*MEMBERS)


def network() -> nn.Sequential:
    """A network for irises, in eval mode."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).eval()


def test_answers_of_a_closed_model_are_its_samples(regression: LogisticRegression) -> None:
    """Members first, whatever form the model has."""
    expected = regression.predict_proba(EVERY)
    pair = (regression.predict_proba(MEMBERS[0]), regression.predict_proba(OTHERS[0]))
    forms: dict[Format, Any] = {
        Format.ESTIMATOR: regression,
        Format.FUNCTION: regression.predict_proba,
        Format.ARRAY: expected,
    }
    for form, model in forms.items():
        objects = read_objects(model, MEMBERS, OTHERS)
        assert objects.model.format is form
        assert objects.dataset.holds_answers
        np.testing.assert_allclose(np.asarray(objects.dataset.inputs), expected, rtol=1e-5)
        assert objects.dataset.is_member is not None
        assert objects.dataset.is_member.tolist() == [True] * 75 + [False] * 75
    alone = read_objects(pair, MEMBERS[1], OTHERS[1])
    assert alone.model.format is Format.ARRAY
    np.testing.assert_array_equal(
        np.asarray(alone.dataset.inputs), np.asarray(objects.dataset.inputs)
    )


def test_a_network_is_audited_with_its_inputs() -> None:
    """From tensors as from arrays; a torch data set is read once."""
    sides = [
        TensorDataset(torch.from_numpy(inputs), torch.from_numpy(labels))
        for inputs, labels in (MEMBERS, OTHERS)
    ]
    for members, others in ((MEMBERS, OTHERS), sides):
        objects = read_objects(network(), members, others)
        assert objects.model.format is Format.MODULE
        assert not objects.dataset.holds_answers
        np.testing.assert_array_equal(np.asarray(objects.dataset.inputs), EVERY)


def test_a_network_in_train_mode_is_told_of() -> None:
    """It stays in it, since a copy is audited."""
    module = network().train()

    with pytest.warns(UserWarning, match="in train mode; a copy of it is audited in eval mode"):
        read_objects(module, MEMBERS, OTHERS)

    assert module.training


def test_a_network_without_weights_is_refused() -> None:
    """As frameworks make it before they load what they have downloaded."""
    with pytest.raises(ModelError, match="on the device 'meta', so it has shapes and no weights"):
        read_objects(network().to("meta"), MEMBERS, OTHERS)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_network_on_another_device_stays_there() -> None:
    """A copy on the CPU is audited."""
    module = network().to("cuda")

    objects = read_objects(module, MEMBERS, OTHERS)

    assert next(module.parameters()).is_cuda
    assert objects.model.format is Format.MODULE


def test_a_network_whose_last_layer_shows_no_logits_is_audited_by_its_answers() -> None:
    """The data card says so."""
    objects = read_objects(nn.Sequential(*network(), nn.Softmax(1)).eval(), MEMBERS, OTHERS)

    assert objects.model.format is Format.FUNCTION
    assert "audited by its answers alone" in objects.dataset.notes[-1]


def test_labels_are_those_of_the_model_or_of_the_caller(regression: LogisticRegression) -> None:
    """A label that is none of them is named by its place."""
    names = np.array(["setosa", "versicolor", "virginica"])
    named = (MEMBERS[0], names[MEMBERS[1]]), (OTHERS[0], names[OTHERS[1]])
    model = LogisticRegression(max_iter=500).fit(*named[0])
    assert read_objects(model, *named).dataset.classes == tuple(names)
    assert read_objects(regression.predict_proba, *named, labels=names).dataset.classes == tuple(
        names
    )

    wrong = OTHERS[1].copy()
    wrong[3] = 7
    with pytest.raises(DataError, match="label of non_members\\[3\\], '7', is none of the model's"):
        read_objects(regression, MEMBERS, (OTHERS[0], wrong))
    with pytest.raises(DataError, match="2 labels are named, and the model has 3 outputs"):
        read_objects(regression.predict_proba, MEMBERS, OTHERS, labels=["a", "b"])
    with pytest.raises(DataError, match="there are 75 answers, and 150 members and non-members"):
        read_objects(regression.predict_proba(MEMBERS[0]), MEMBERS, OTHERS)


def test_a_training_function_may_return_any_form(regression: LogisticRegression) -> None:
    """Asked about all samples, as the audited model was."""
    expected = regression.predict_proba(EVERY)
    objects = read_objects(regression, MEMBERS, OTHERS)
    classes = objects.dataset.classes
    for returned in (regression, regression.predict_proba, expected):
        trained = train_by(lambda _, __, model=returned: model, objects)  # type: ignore[misc]
        posteriors = trained.answer(returned, classes).double().softmax(1)
        np.testing.assert_allclose(posteriors, expected, atol=1e-5)
        assert list(trained.identity()) != []
    with pytest.raises(ModelError, match="train is a int"):
        train_by(3, objects)  # type: ignore[arg-type]


def test_without_inputs_a_trained_model_cannot_be_asked(regression: LogisticRegression) -> None:
    """Its answers can be given instead."""
    answers: NDArray[np.float64] = regression.predict_proba(EVERY)
    objects = read_objects(answers, MEMBERS[1], OTHERS[1])
    trained = train_by(lambda _, __: regression, objects)

    assert trained.answer(answers, objects.dataset.classes).shape == (150, 3)
    with pytest.raises(ModelError, match="LogisticRegression cannot be asked"):
        trained.answer(regression, objects.dataset.classes)


def test_a_text_classifier_comes_with_its_tokenizer() -> None:
    """Its answers do not depend on how long the other texts are."""
    body, tokenizer = small_text_model()
    texts = ["good film", "very very very bad film", "bad", "good"]

    objects = read_objects((body, tokenizer), (texts[:2], [1, 0]), (texts[2:], [0, 1]))

    assert objects.model.format is Format.MODULE
    assert objects.model.module is not None
    ids = torch.as_tensor(objects.dataset.inputs)
    assert ids.shape == (4, 5)
    with torch.no_grad():
        seen = objects.model.module(ids)
        for text, logits in zip(texts, seen, strict=True):
            expected = body(**tokenizer(text, return_tensors="pt")).logits[0]
            torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-4)
    assert objects.wrap((body, tokenizer))(ids).shape == (4, 2)
