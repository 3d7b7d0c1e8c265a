"""Spellings of a value: which are one, and which are not."""

import pytest

from safecompress_core.data.spellings import by_value, spellings_unified


@pytest.mark.parametrize(
    ("names", "shared"),
    [
        (["0", "1", "0.0", "1.0"], ["0", "1", "0", "1"]),
        (["False", "0", "TRUE", "1.00"], ["0", "0", "1.00", "1.00"]),
        (["True", "TRUE", "false"], ["TRUE", "TRUE", "false"]),
        (["1e3", "1000.0", "-0.0", "0"], ["1e3", "1e3", "0", "0"]),
        (["9007199254740993", "9007199254740992"], ["9007199254740993", "9007199254740992"]),
        (["007", "7"], ["007", "7"]),
        (["True", "1", "2"], ["True", "1", "2"]),
        (["cat", " cat", "Cat"], ["cat", "cat", "Cat"]),
        (["nan", "inf", "1_0", "10"], ["nan", "inf", "1_0", "10"]),
    ],
)
def test_spellings_are_one_where_the_value_is(names: list[str], shared: list[str]) -> None:
    """Numbers exactly, booleans as 0 and 1 where there is no other number, text as it is."""
    assert [by_value(names)[name] for name in names] == shared
    assert by_value(reversed(names)) == by_value(names)


def test_what_was_unified_is_told() -> None:
    """Only where a value has several spellings."""
    assert spellings_unified(by_value(["0", "0.0", "False", "1"])) == "'0' = '0.0' = 'False'"
    assert not spellings_unified(by_value(["0", "1"]))
