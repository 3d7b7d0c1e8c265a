"""A strategy's ``set``."""

import pytest
from pydantic import TypeAdapter, ValidationError

from safecompress_core.specfile.models.changes import Change, Changes, expand


def test_nothing_to_change_is_one_candidate() -> None:
    """A strategy without ``set`` stands for itself."""
    assert expand({}) == [{}]


def test_lists_expand_to_their_product_the_last_turning_fastest() -> None:
    """As nested loops would, so that candidates come in an order one can predict."""
    found = expand({"a.x": [1, 2], "learning_rate": 0.1, "b.y": [3, 4]})

    values = [tuple(change.number for change in one.values()) for one in found]
    assert values == [(1, 0.1, 3), (1, 0.1, 4), (2, 0.1, 3), (2, 0.1, 4)]
    assert all(list(one) == ["a.x", "learning_rate", "b.y"] for one in found)


@pytest.mark.parametrize(
    ("value", "changes"),
    [
        (3, [Change(3)]),
        ({"factor": 0.5}, [Change(0.5, is_factor=True)]),
        ({"factor": [0.5, 2]}, [Change(0.5, is_factor=True), Change(2, is_factor=True)]),
        ([1, {"factor": 2}], [Change(1), Change(2, is_factor=True)]),
    ],
)
def test_values_and_factors_may_be_mixed(value: object, changes: list[Change]) -> None:
    """One candidate each."""
    assert [one["k"] for one in expand({"k": value})] == changes


def test_a_value_replaces_and_a_factor_multiplies() -> None:
    """A whole number stays whole where it can, for parameters that must be."""
    assert Change(0.3).apply(7.0) == 0.3
    assert Change(0.5, is_factor=True).apply(0.2) == 0.1
    doubled = Change(1.5, is_factor=True).apply(2)
    assert (doubled, type(doubled)) == (3, int)
    assert Change(0.5, is_factor=True).apply(3) == 1.5


@pytest.mark.parametrize(
    "value",
    ["x", True, None, [], {}, {"factor": "x"}, {"factor": []}, {"by": 2}, [[]], float("nan")],
)
def test_anything_else_is_refused_with_what_to_write(value: object) -> None:
    """In particular an empty list, which would make no candidate at all."""
    with pytest.raises(ValueError, match="write a number, a list of numbers, or {factor: 0.5}"):
        expand({"k": value})


def test_a_field_of_changes_stays_as_the_spec_wrote_it() -> None:
    """So that the resolved spec says the same."""
    changes = TypeAdapter(Changes)
    written = {"a.x": [1, {"factor": 2}]}

    assert changes.validate_python(written) == written
    with pytest.raises(ValidationError, match="is no mapping"):
        changes.validate_python([1])
