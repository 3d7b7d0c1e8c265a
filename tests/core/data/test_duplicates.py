"""Exact copies, found by content and left out, so that no member is also a non-member."""

from dataclasses import replace

import pytest
import torch
from sklearn.datasets import load_digits

from safecompress_core.data.dataset import Attribute, Dataset
from safecompress_core.data.duplicates import copies, overlap, without_copies

DIGITS = load_digits()
DATA = Dataset(
    inputs=torch.from_numpy(DIGITS.images[[0, 1, 0, 2, 1, 0]]).float(),
    labels=torch.tensor([0, 1, 0, 1, 1, 1]),
    classes=("a", "b"),
    attributes={"odd": Attribute(torch.tensor([0, 1, 0, 0, 1, 0]), ("no", "yes"))},
    notes=("read",),
)


def test_the_first_of_equal_samples_stays() -> None:
    """The same input with another label is another sample."""
    assert copies(DATA).tolist() == [False, False, True, False, True, False]


def test_a_member_stays_rather_than_a_non_member() -> None:
    """If the data state membership; otherwise a member would be lost."""
    given = replace(DATA, is_member=torch.tensor([False, True, True, True, False, False]))

    assert copies(given).tolist() == [True, False, False, False, True, False]


def test_all_that_is_known_of_the_others_is_kept_and_the_number_is_noted() -> None:
    """In their order."""
    single = without_copies(DATA)

    assert torch.equal(single.inputs, DATA.inputs[[0, 1, 3, 5]])
    assert single.labels.tolist() == [0, 1, 1, 1]
    assert single.attributes["odd"].values.tolist() == [0, 1, 0, 0]
    assert single.notes == (
        "read",
        "2 of 6 samples are exact copies of others, and are left out",
    )
    assert single.warnings[0].startswith("33% of all samples are exact copies of others; check")
    assert without_copies(single) is single


def test_a_few_copies_are_no_warning() -> None:
    """Up to a tenth."""
    inputs = torch.arange(20.0)[:, None]
    labels = torch.zeros(20, dtype=torch.int64)
    for count in (2, 3):
        inputs[:count] = inputs[count]
        data = replace(DATA, inputs=inputs.clone(), labels=labels, attributes={})
        assert bool(without_copies(data).warnings) == (count == 3)


def test_texts_that_nothing_has_read_yet_are_not_taken_for_copies() -> None:
    """Their inputs are all empty."""
    data = replace(DATA, inputs=torch.zeros(6, 0), texts=tuple("abcdef"))

    assert without_copies(data) is data


def test_real_digits_have_no_copies() -> None:
    """All 1,797 images differ, as numpy's ``unique`` finds as well."""
    data = Dataset(
        inputs=torch.from_numpy(DIGITS.images).float(),
        labels=torch.from_numpy(DIGITS.target),
        classes=tuple("0123456789"),
        attributes={},
    )

    assert not copies(data).any()
    assert len(torch.unique(data.inputs.flatten(1), dim=0)) == len(data)


def test_a_member_among_the_non_members_is_found_by_input_and_label() -> None:
    """Each is counted on its own side; the same input with another label is another sample."""
    given = replace(DATA, is_member=torch.tensor([True, True, False, True, False, False]))

    assert overlap(given) == [(0, 0), (1, 1)]


def test_sides_that_share_nothing_do_not_overlap() -> None:
    """Copies on one side are no overlap."""
    given = replace(DATA, is_member=torch.tensor([True, False, True, False, False, False]))

    assert overlap(given) == []


def test_who_overlaps_cannot_be_told_without_sides() -> None:
    """Calling it without membership is an error."""
    with pytest.raises(ValueError, match="do not state"):
        overlap(DATA)
