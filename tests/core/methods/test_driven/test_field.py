"""The field of a race: the spec as written, then settings spread over what is open."""

import numpy as np
import pytest

from safecompress_core.api import DefenceParams
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.open_settings import OpenSettings
from safecompress_core.methods.test_driven.field import draw_field
from safecompress_core.specfile.models.changes import Change, Range
from safecompress_core.training.settings import Settings

WRITTEN = Settings(
    learning_rate=0.01, density=0.1, update_fraction=0.5, rule=0, defences={"x": DefenceParams()}
)
NAMES = ("magnitude × gradient", "magnitude × random")


def drawn(opened: OpenSettings, count: int, *, seed: int = 0) -> tuple[LineageSettings, ...]:
    """A field of so many lineages."""
    generator = np.random.default_rng(seed)
    return draw_field(opened, WRITTEN, count, rule_names=NAMES, generator=generator)


def opened(**values: tuple[Change | Range | None, ...]) -> OpenSettings:
    """Two topology updates, two kinds of weights, and these values."""
    return OpenSettings(rules=(0, 1), starts=("random", "inherit"), values=values)


def test_the_first_lineage_is_the_spec_as_written() -> None:
    """And it is no other's settings."""
    first, *others = drawn(opened(learning_rate=(None, Change(0.02))), 6)

    assert first == LineageSettings("as written", "random", WRITTEN)
    assert all((one.start, one.settings) != (first.start, first.settings) for one in others)


def test_lineages_differ_and_say_how() -> None:
    """All eight settings that are open, each once; the name has what was changed."""
    field = drawn(opened(learning_rate=(None, Change(0.02))), 8)

    assert len({(one.start, repr(one.settings)) for one in field}) == 8
    [one] = [
        one
        for one in field
        if (one.start, one.settings.rule, one.settings.learning_rate) == ("inherit", 1, 0.02)
    ]
    assert one.name == "magnitude × random, learning_rate 0.02, weights inherit"


def test_a_field_has_no_more_lineages_than_settings_are_open() -> None:
    """Each is trained once."""
    assert len(drawn(opened(), 9)) == 4


def test_values_that_a_model_cannot_have_are_passed_over() -> None:
    """Ten times the density is more than the bound."""
    field = drawn(opened(density=(None, Change(10.0, is_factor=True), Change(0.05))), 12)

    assert {one.settings.density for one in field} == {0.1, 0.05}


def test_the_generator_decides() -> None:
    """The same seed gives the same field, another one another."""
    space = opened(learning_rate=(Range(0.001, 0.1, "log"),))

    assert drawn(space, 8) == drawn(space, 8)
    assert drawn(space, 8) != drawn(space, 8, seed=1)


@pytest.mark.parametrize("seed", range(5))
def test_a_field_covers_a_range_more_evenly_than_chance(seed: int) -> None:
    """Of 16 shares of the range at least 12 are hit by 16 points; chance hits 10.3 of them."""
    space = OpenSettings(
        rules=(0,), starts=("random",), values={"learning_rate": (Range(0.0, 1.0),)}
    )

    field = drawn(space, 17, seed=seed)[1:]

    assert len({int(16 * one.settings.learning_rate) for one in field}) >= 12
