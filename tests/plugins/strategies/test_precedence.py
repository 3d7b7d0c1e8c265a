"""Choosing positions of one kind before all others."""

import pytest
from torch import tensor

from safecompress_plugins.strategies.precedence import largest_in_turn

VALUES = tensor([5.0, 1.0, 9.0, 3.0, 7.0, 3.0])
ELIGIBLE = tensor([True, True, False, True, True, True])
FIRST = tensor([False, True, True, True, False, True])


@pytest.mark.parametrize(
    ("count", "chosen"), [(0, []), (1, [3]), (2, [3, 5]), (3, [1, 3, 5]), (4, [1, 3, 4, 5])]
)
def test_others_are_chosen_once_the_first_are_used_up(count: int, chosen: list[int]) -> None:
    """1, 3 and 3 come before 7; 9 is not eligible; of equal values the first one is chosen."""
    found = largest_in_turn(VALUES, ELIGIBLE, FIRST, count)

    assert found.nonzero().flatten().tolist() == chosen
