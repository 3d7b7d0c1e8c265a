"""What strategies open, as Optuna's distributions."""

from typing import Annotated

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import Field

from safecompress_core.api import DefenceParams
from safecompress_core.methods.lineages.open_settings import OpenSettings, Option
from safecompress_core.methods.search.space import SearchSpace
from safecompress_core.specfile.models.changes import Change, Range
from safecompress_core.training.settings import Settings


class ViewsParams(DefenceParams):
    views: Annotated[int, Field(ge=1)] = 4


WRITTEN = Settings(
    learning_rate=0.01,
    density=0.1,
    update_fraction=0.5,
    rule=0,
    defences={"x": ViewsParams()},
)
NAMES = ("magnitude × gradient", "magnitude × random")


def space(
    values: dict[str, tuple[Option, ...]], *, starts: tuple[str, ...] = ("random",)
) -> SearchSpace:
    """Two topology updates and these values."""
    opened = OpenSettings(rules=(0, 1), starts=starts, values=values)  # type: ignore[arg-type]
    return SearchSpace(opened, WRITTEN, rule_names=NAMES)


def test_lists_and_starts_are_categories() -> None:
    """The spec's own value is the first of them."""
    made = space({"density": (None, Change(0.05))}, starts=("random", "inherit"))

    assert made.distributions == {
        "strategy": CategoricalDistribution((0, 1)),
        "weights": CategoricalDistribution((0, 1)),
        "density": CategoricalDistribution((0, 1)),
    }
    drawn = made.settings({"strategy": 1, "weights": 1, "density": 1})
    assert drawn is not None
    assert drawn.name == "magnitude × random, density 0.05, weights inherit"
    assert (drawn.start, drawn.settings.density) == ("inherit", 0.05)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_range_around_the_specs_own_value_is_a_number(scale: str) -> None:
    """On its scale; the first trial has the spec's value."""
    made = space({"learning_rate": (None, Range(0.001, 0.1, scale))})  # type: ignore[arg-type]

    wanted = FloatDistribution(0.001, 0.1, log=scale == "log")
    assert made.distributions["learning_rate"] == wanted
    assert made.written_values == {"strategy": 0, "learning_rate": 0.01}
    drawn = made.settings({"strategy": 0, "learning_rate": 0.05})
    assert drawn is not None
    assert drawn.settings.learning_rate == 0.05


def test_a_range_beside_the_specs_own_value_is_a_choice_and_a_number() -> None:
    """Off, or on with some strength: the number counts only where the range is chosen."""
    made = space({"learning_rate": (None, Range(0.1, 0.2))})
    [name] = set(made.distributions) - {"strategy", "learning_rate"}

    off = made.settings({"strategy": 0, "learning_rate": 0, name: 0.15})
    on = made.settings({"strategy": 0, "learning_rate": 1, name: 0.15})

    assert made.distributions["learning_rate"] == CategoricalDistribution((0, 1))
    assert off is not None
    assert on is not None
    assert off.key == made.as_written.key
    assert on.settings.learning_rate == 0.15
    assert name not in made.written_values


def test_whole_numbers_are_drawn_where_a_parameter_is_one() -> None:
    """Within the ends of the range."""
    made = space({"x.views": (None, Range(1.5, 8))})

    assert made.distributions["x.views"] == IntDistribution(2, 8)
    drawn = made.settings({"strategy": 0, "x.views": 3})
    assert drawn is not None
    assert drawn.settings.value("x.views") == 3


def test_a_factor_out_of_range_gives_no_settings() -> None:
    """Ten times the density is more than the bound."""
    made = space({"density": (None, Change(10, is_factor=True))})

    assert made.settings({"strategy": 0, "density": 1}) is None
