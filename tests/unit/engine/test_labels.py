"""Labels of samples, numbered as a finished model has them."""

from dataclasses import replace

import pytest
import torch

from safecompress_core.dataset import Dataset
from safecompress_core.engine.labels import one_sided, renumbered, unified
from safecompress_core.errors import DataError
from safecompress_core.privacy.pools import Pool, Pools

DATA = Dataset(
    inputs=torch.arange(4.0)[:, None],
    labels=torch.tensor([0, 2, 2, 0]),
    classes=("ant", "bee", "cat"),
    attributes={},
)


def test_labels_are_looked_up_by_name() -> None:
    """A model may know more labels than these samples have, in another order."""
    found = renumbered(DATA, ["dog", "cat", "eel", "ant"])

    assert found.labels.tolist() == [3, 1, 1, 3]
    assert found.classes == ("dog", "cat", "eel", "ant")


def test_a_name_that_no_sample_has_needs_no_output() -> None:
    """Of what was read, only what is there counts: nobody is asked about a bee."""
    assert renumbered(DATA, ["cat", "ant"]).labels.tolist() == [1, 0, 0, 1]


def test_a_label_without_an_output_is_refused() -> None:
    """With both lists of names."""
    with pytest.raises(DataError) as refused:
        renumbered(DATA, ["ant", "bee"])

    assert str(refused.value) == (
        "the samples have labels that the model has no output for: 'cat'; "
        "leave them out, or mend the names; the model has: ant, bee"
    )


def test_labels_are_looked_up_by_value() -> None:
    """A float is the whole number that a model has as a label."""
    data = replace(DATA, classes=("0.0", "1.0", "2.0"))

    assert renumbered(data, ["2", "1", "0"]).labels.tolist() == [2, 0, 0, 2]


def test_spellings_of_a_label_are_one_label() -> None:
    """In any data set, also one that a plugin made; the note tells which."""
    data = replace(DATA, classes=("False", "True", "0"))

    found = unified(data)

    assert found.classes == ("0", "True")
    assert found.labels.tolist() == [0, 0, 0, 0]
    assert found.notes == ("labels are equal by value: '0' = 'False'",)
    assert unified(DATA) is DATA


def test_a_label_of_one_side_is_described() -> None:
    """With the side and the count; a label of both sides, or of none, is not."""
    data = replace(DATA, labels=torch.tensor([0, 0, 0, 2, 0, 0, 0, 0]))
    rows = torch.arange(8).reshape(4, 2)
    pools = Pools(Pool("attack_train", rows[0], rows[1]), None, Pool("audit", rows[2], rows[3]))

    assert list(one_sided(data, pools)) == [
        "only non-members have this label: 'cat' (1 samples); a label of one side tells membership "
        "whatever the model answers"
    ]
    assert not list(one_sided(replace(data, labels=torch.zeros(8, dtype=torch.int64)), pools))
