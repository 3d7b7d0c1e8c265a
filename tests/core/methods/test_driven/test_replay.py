"""The path of a chosen model, read from the records of rounds."""

from collections.abc import Mapping
from typing import Any

from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.replay import PathStep
from safecompress_core.methods.test_driven.replay import read_path
from safecompress_core.methods.test_driven.rounds import rounds_of
from safecompress_core.training.settings import Settings


def test_a_path_is_read_from_the_last_round_back() -> None:
    """Through parents, past models that are no ancestors; ``keep`` changes no topology."""
    settings = Settings(learning_rate=0.1, density=0.3, update_fraction=0.3, rule=0, defences={})
    drawn = LineageSettings("m × g, weights inherit", "inherit", settings)
    timetable = rounds_of(
        epochs=15, before=0, field=(2, 1, 1), finetune=0.4, proposals=2, derive_at=1, beam=1
    )
    rounds = [
        {"candidates": [entry("r1c1", "initial", "m", 1), entry("r1c2", "initial", "m × g", 2)]},
        {"candidates": [entry("r2c1", "r1c2", "keep", 2), entry("r2c2", "r1c2", "m × g", 3)]},
        {"candidates": [entry("r3c1", "r2c2", "keep", 4), entry("r3c2", "r2c2", "m × g", 5)]},
    ]

    path = read_path(rounds, "r3c1", drawn=drawn, timetable=timetable)

    assert (path.start, path.settings) == ("inherit", settings.to_json())
    assert path.steps == (
        PathStep(middle=None, end=5, settings={"number": 2}, is_evolved=False),
        PathStep(middle=8, end=10, settings={"number": 3}, is_evolved=True),
        PathStep(middle=13, end=15, settings={"number": 4}, is_evolved=False),
    )


def entry(name: str, parent: str, strategy: str, number: int) -> Mapping[str, Any]:
    """A candidate of a round's record."""
    settings = {"number": number}
    return {"id": name, "parent": parent, "strategy": strategy, "settings": settings}
