"""A strategy's ``set``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from safecompress_core.specfile.models.changes import (
    Change,
    Changes,
    ChangesError,
    Range,
    expand,
    options,
)


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
    with pytest.raises(ValueError, match=r"write a number, a list of numbers, \{factor: 0\.5\}"):
        expand({"k": value})


def test_a_field_of_changes_stays_as_the_spec_wrote_it() -> None:
    """So that the resolved spec says the same."""
    changes = TypeAdapter(Changes)
    written = {"a.x": [1, {"factor": 2}]}

    assert changes.validate_python(written) == written
    with pytest.raises(ValidationError, match="is no mapping"):
        changes.validate_python([1])


POSITIVE = st.floats(1e-12, 1e12)


@given(
    ends=st.tuples(POSITIVE, POSITIVE).filter(lambda ends: ends[0] < ends[1]), share=st.floats(0, 1)
)
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_range_holds_its_ends_and_what_lies_between(
    scale: str, ends: tuple[float, float], share: float
) -> None:
    """The ends to the last bit, since they may be a parameter's limits."""
    interval = Range(*ends, scale)  # type: ignore[arg-type]

    assert (interval.at(0), interval.at(1)) == ends
    assert ends[0] <= interval.at(share) <= ends[1]


def test_the_middle_of_a_log_scale_is_geometric() -> None:
    """From a thousandth to a tenth by a hundredth."""
    assert Range(0.001, 0.1, "log").at(0.5) == pytest.approx(0.01)
    assert Range(0.001, 0.1).at(0.5) == pytest.approx(0.0505)


def test_a_range_stands_for_three_candidates() -> None:
    """Both ends and the middle, whole where the parameter is."""
    found = expand({"a.x": {"low": 1, "high": 4}, "b.y": [7, 8]})

    values = [(one["a.x"].apply(2), one["a.x"].apply(2.0), one["b.y"].number) for one in found]
    assert values == [(1, 1, 7), (1, 1, 8), (2, 2.5, 7), (2, 2.5, 8), (4, 4, 7), (4, 4, 8)]
    assert type(values[2][0]) is int


def test_options_are_ranges_or_values_by_key() -> None:
    """What a field of lineages draws from."""
    found = options(
        {"a.x": {"low": 0.1, "high": 2, "scale": "log"}, "b.y": [7, {"factor": 2}], "density": 0.1}
    )

    assert found == {
        "a.x": Range(0.1, 2, "log"),
        "b.y": (Change(7), Change(2, is_factor=True)),
        "density": (Change(0.1),),
    }


def test_an_error_has_the_place_of_what_is_wrong() -> None:
    """Below the ``set``."""
    with pytest.raises(ChangesError) as refusal:
        expand({"k": {"low": 2, "high": 1}})

    assert refusal.value.path == ("k", "low")
