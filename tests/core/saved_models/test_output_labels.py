"""Labels of samples, numbered as a finished model has them."""

from dataclasses import replace

import pytest
import torch

from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import DataError
from safecompress_core.saved_models.output_labels import align_labels, output_names, renumber_labels

DATA = Dataset(
    inputs=torch.arange(4.0)[:, None],
    labels=torch.tensor([0, 2, 2, 0]),
    classes=("ant", "bee", "cat"),
    attributes={},
)


def test_labels_are_looked_up_by_name() -> None:
    """A model may know more labels than these samples have, in another order."""
    found = renumber_labels(DATA, ["dog", "cat", "eel", "ant"])

    assert found.labels.tolist() == [3, 1, 1, 3]
    assert found.classes == ("dog", "cat", "eel", "ant")


def test_a_name_that_no_sample_has_needs_no_output() -> None:
    """Of what was read, only what is there counts: nobody is asked about a bee."""
    assert renumber_labels(DATA, ["cat", "ant"]).labels.tolist() == [1, 0, 0, 1]


def test_a_label_without_an_output_is_refused() -> None:
    """With both lists of names."""
    with pytest.raises(DataError) as refused:
        renumber_labels(DATA, ["ant", "bee"])

    assert str(refused.value) == (
        "the samples have labels that the model has no output for: 'cat'; "
        "leave them out, correct the names, or write the data's name of each output, in their "
        "order, as task.labels; the model has: ant, bee"
    )


def test_labels_are_looked_up_by_value() -> None:
    """A float is the whole number that a model has as a label."""
    data = replace(DATA, classes=("0.0", "1.0", "2.0"))

    assert renumber_labels(data, ["2", "1", "0"]).labels.tolist() == [2, 0, 0, 2]


def sentiments(*classes: str) -> Dataset:
    """Two samples of each label."""
    labels = torch.arange(len(classes)).repeat(2)
    return Dataset(
        inputs=torch.zeros(len(labels), 1), labels=labels, classes=classes, attributes={}
    )


def test_names_that_differ_in_case_alone_are_the_same() -> None:
    """In whatever order the model has them; the data card says what was taken for what."""
    found = renumber_labels(sentiments("negative", "positive"), ["POSITIVE", " Negative"])

    assert found.labels.tolist() == [1, 0, 1, 0]
    assert found.notes == (
        "label 'negative' is the model's ' Negative'",
        "label 'positive' is the model's 'POSITIVE'",
    )


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (("a", "b"), ["A", "A ", "b"]),
        (("a", "A "), ["a ", "b"]),
        (("bad", "good"), ["negative", "positive"]),
        (("0", "2"), ["negative", "positive"]),
        (("0", "bad"), ["negative", "positive"]),
    ],
    ids=["two outputs", "two labels", "other names", "a number without an output", "half numbers"],
)
def test_names_that_are_not_clear_are_refused(classes: tuple[str, ...], names: list[str]) -> None:
    """Position is never asked instead."""
    with pytest.raises(DataError, match=r"no output for: .* as task\.labels"):
        renumber_labels(sentiments(*classes), names)


def test_a_name_to_the_letter_wins() -> None:
    """Over one that differs in case."""
    assert renumber_labels(sentiments("a", "A"), ["A", "a"]).labels.tolist() == [1, 0, 1, 0]


def test_whole_numbers_are_the_numbers_of_outputs() -> None:
    """As data sets for such models have them, and the data card says so."""
    found = renumber_labels(sentiments("1", "0"), ["negative", "positive"])

    assert found.labels.tolist() == [1, 0, 1, 0]
    assert found.notes == (
        "labels are taken as the numbers of the model's outputs: 1 = positive, 0 = negative",
    )


def test_an_output_named_twice_is_refused() -> None:
    """Nobody could say which one is meant."""
    with pytest.raises(DataError, match="two outputs of the model have the name 'a'"):
        renumber_labels(sentiments("a", "b"), ["a", "a", "b"])


def test_an_output_that_a_configuration_leaves_out_has_a_placeholder() -> None:
    """Its number counts all the same."""
    assert output_names({"id2label": {"0": "no", "2": "yes"}}) == ("no", "LABEL_1", "yes")
    assert output_names({"num_labels": 3}) == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert output_names({}) == ("LABEL_0", "LABEL_1")
    with pytest.raises(ValueError, match="from -1 to 2"):
        output_names({"id2label": {"-1": "no", "2": "yes"}})


def test_an_output_without_a_name_among_others_is_warned_of() -> None:
    """Its configuration may have numbered the others wrongly, and position decides nothing."""
    found = renumber_labels(sentiments("0", "1"), ["0", "LABEL_1", "1"])

    assert found.labels.tolist() == [0, 2, 0, 2]
    assert found.warnings == (
        "the model names no output 1; check its id2label (0 = 0, 2 = 1), or write the data's name "
        "of each output as task.labels",
    )
    assert not renumber_labels(sentiments("0", "1"), ["0", "1"]).warnings


def test_a_pretrained_layer_keeps_its_labels_where_names_tell() -> None:
    """Else training starts from a layer made for others, with a warning; or from a drawn one."""
    data = sentiments("negative", "positive")

    assert align_labels(data, ["Positive", "Negative"]).labels.tolist() == [1, 0, 1, 0]
    [warning] = align_labels(data, ["toxic", "fine"]).warnings
    assert "made for other labels (toxic, fine)" in warning
    assert align_labels(data, ["LABEL_0", "LABEL_1"]) is data
    assert align_labels(data, ["a", "b", "c"]) is data
