"""The output of a model that holds its answers."""

import pytest
import torch

from safecompress_core.errors import ModelError
from safecompress_core.saved_models.outputs import OutputReader, require_same_labels

CLASSES = ("cat", "dog")
MATRIX = torch.tensor([[0.9, 0.1], [0.3, 0.7]])


def reader(answers: str = "probabilities", output: str | int | None = None) -> OutputReader:
    """What a spec says of a model of two labels."""
    return OutputReader(output=output, answers=answers, classes=CLASSES)


@pytest.mark.parametrize(
    ("names", "answers", "chosen"),
    [
        (["anything"], "logits", "anything"),
        (["label", "Probabilities"], "probabilities", "Probabilities"),
        (["logits", "probs"], "logits", "logits"),
        (["logits", "probs"], "probabilities", "probs"),
        (["embedding", "logits"], "probabilities", "logits"),
    ],
)
def test_the_name_of_an_output_tells(names: list[str], answers: str, chosen: str) -> None:
    """Case and position do not count; the kind that the spec says goes first."""
    assert reader(answers).choose_output(names) == chosen


def test_the_spec_decides_where_no_name_tells() -> None:
    """And is asked otherwise, with all names."""
    names = ["output_0", "output_1"]

    assert reader(output="output_1").choose_output(names) == "output_1"
    with pytest.raises(ModelError, match="no name identifies its answers; .* 'output_0', "):
        reader().choose_output(names)
    with pytest.raises(ModelError, match="the model has no output 7"):
        reader(output=7).choose_output(names)


@pytest.mark.parametrize(
    "value",
    [
        MATRIX.double().requires_grad_(),
        (MATRIX,),
        {"label": torch.tensor([0, 1]), "probabilities": MATRIX},
        [{"dog": 0.1, "cat": 0.9}, {"dog": 0.7, "cat": 0.3}],
        [[{"cat": 0.9, "dog": 0.1}, {"cat": 0.3, "dog": 0.7}]],
    ],
    ids=["tensor", "tuple", "mapping", "ZipMap", "list of ZipMap"],
)
def test_whatever_holds_the_answers_becomes_the_same_matrix(value: object) -> None:
    """float32, with a column for each label of the data, in their order."""
    found = reader().read(value)

    assert found.dtype == torch.float32
    assert not found.requires_grad
    torch.testing.assert_close(found, MATRIX)


@pytest.mark.parametrize(
    ("value", "message"),
    [("text", "answers with a str"), ([{"cat": 0.9, "cow": 0.1}], "labels cat, cow, and the data")],
)
def test_what_is_no_matrix_is_refused(value: object, message: str) -> None:
    """With what was found."""
    with pytest.raises(ModelError, match=message):
        reader().read(value)


def test_labels_that_a_model_names_have_to_follow_from_its_answers() -> None:
    """By name or by number; a tie may be named either way."""
    require_same_labels(MATRIX, ["cat", "dog"], CLASSES)
    require_same_labels(MATRIX, ["0", "1"], CLASSES)
    require_same_labels(torch.tensor([[0.5, 0.5]]), ["dog"], CLASSES)

    with pytest.raises(ModelError, match="names the label 'dog' where its answers, .* give 'cat'"):
        require_same_labels(MATRIX, ["dog", "cat"], CLASSES)
