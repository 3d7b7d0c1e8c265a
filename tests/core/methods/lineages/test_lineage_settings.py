"""Settings that lineages begin with: names, and what makes two of them one."""

import pytest

from safecompress_core.methods.lineages.lineage_settings import AS_WRITTEN, LineageSettings
from safecompress_core.methods.lineages.open_settings import OpenSettings
from safecompress_core.specfile.models.changes import Change
from safecompress_core.training.settings import Settings

WRITTEN = Settings(learning_rate=0.01, density=0.1, update_fraction=0.5, rule=0, defences={})
OPEN = OpenSettings(rules=(0, 1), starts=("random", "inherit"), values={})
NAMES = ("magnitude × gradient", "magnitude × random")


def changed(**changes: Change) -> LineageSettings | None:
    """The second strategy from inherited weights, with these changes."""
    return LineageSettings.changed(
        OPEN, WRITTEN, rule=1, start="inherit", changes=changes, rule_names=NAMES
    )


def test_the_spec_as_written_starts_from_the_first_kind_of_weights() -> None:
    """With the spec's own settings."""
    assert LineageSettings.as_written(OPEN, WRITTEN) == LineageSettings(
        AS_WRITTEN, "random", WRITTEN
    )


def test_a_name_has_all_that_was_changed() -> None:
    """The weights only where the spec names several kinds."""
    settings = changed(learning_rate=Change(0.02))

    assert settings is not None
    assert settings.name == "magnitude × random, learning_rate 0.02, weights inherit"
    assert (settings.settings.rule, settings.settings.learning_rate) == (1, 0.02)


@pytest.mark.parametrize("factor", [2.0, -1.0])
def test_a_change_out_of_range_gives_no_settings(factor: float) -> None:
    """A density above the spec's, or below 0."""
    assert changed(density=Change(factor, is_factor=True)) is None


def test_equal_settings_share_a_key_whatever_their_name() -> None:
    """The value that the spec has anyway changes nothing."""
    same, plain = changed(learning_rate=Change(0.01)), changed()

    assert same is not None
    assert plain is not None
    assert same.name != plain.name
    assert same.key == plain.key
