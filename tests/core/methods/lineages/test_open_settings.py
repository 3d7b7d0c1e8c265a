"""What strategies leave open: every prune × grow, every value of a set, every kind of weights."""

import math
from typing import Any, Literal

import pytest

from safecompress_core.api import Params
from safecompress_core.methods.lineages.open_settings import OpenSettings
from safecompress_core.methods.lineages.params import StrategyParams
from safecompress_core.specfile.models.changes import Change, Range


class PruneParams(Params):
    type: Literal["magnitude", "threshold"] = "magnitude"


class GrowParams(Params):
    type: Literal["gradient", "random"] = "gradient"


def strategy(prune: Any = "magnitude", grow: Any = "gradient", **changes: Any) -> StrategyParams:
    """A strategy with a ``set``."""
    return StrategyParams(prune=PruneParams(type=prune), grow=GrowParams(type=grow), set=changes)


def test_values_of_all_strategies_join_with_what_the_spec_says() -> None:
    """Two topology updates, three learning rates and two densities: 12 settings."""
    found = OpenSettings.of(
        [
            strategy(),
            strategy(grow="random", learning_rate=[0.1, 0.2]),
            strategy(learning_rate=0.2, density=0.05),
        ],
        ["random"],
    )

    assert found.rules == (0, 1)
    assert found.values == {
        "learning_rate": (None, Change(0.1), Change(0.2)),
        "density": (None, Change(0.05)),
    }
    assert found.count == 2 * 3 * 2
    assert found.dimensions == 4


def test_a_range_has_no_end_of_settings() -> None:
    """So a field may have any number of lineages."""
    found = OpenSettings.of([strategy(learning_rate={"low": 0.1, "high": 0.3})], ["random"])

    assert found.values["learning_rate"] == (None, Range(0.1, 0.3))
    assert math.isinf(found.count)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((0.0, 0.0, 0.0), (0, "random", {})),
        ((0.6, 0.6, 0.4), (1, "inherit", {"learning_rate": Change(0.1)})),
        ((0.9, 0.3, 0.99), (1, "random", {"learning_rate": Change(0.2)})),
    ],
)
def test_each_coordinate_picks_among_equals(point: tuple[float, ...], expected: Any) -> None:
    """Rule, start, then the keys in their order."""
    opened = OpenSettings.of(
        [strategy(), strategy(grow="random", learning_rate=[0.1, 0.2])], ["random", "inherit"]
    )

    assert opened.at(point) == expected


def test_what_is_left_of_a_coordinate_picks_within_a_range() -> None:
    """The spec's own value up to one half; 0.75 is the middle of the rest."""
    opened = OpenSettings.of([strategy(learning_rate={"low": 0.1, "high": 0.3})], ["random"])

    _, _, changes = opened.at((0.0, 0.0, 0.75))

    assert changes["learning_rate"].number == pytest.approx(0.2)
