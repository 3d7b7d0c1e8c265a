"""Labels of samples, numbered as a finished model has them."""

import pytest
import torch

from safecompress_core.dataset import Dataset
from safecompress_core.engine.labels import renumbered
from safecompress_core.errors import DataError

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
