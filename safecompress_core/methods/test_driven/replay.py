"""Path of a chosen model through the rounds of a run, read from its records."""

from collections.abc import Mapping, Sequence
from typing import Any

from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.replay import LineagePath, PathStep
from safecompress_core.methods.test_driven.candidates import UNCHANGED
from safecompress_core.methods.test_driven.rounds import Round

__all__ = ["read_path"]


def read_path(
    rounds: Sequence[Mapping[str, Any]],
    chosen: str,
    *,
    drawn: LineageSettings,
    timetable: Sequence[Round],
) -> LineagePath:
    """Return the path of a model that the last round has tested.

    Args:
        rounds: the records of all rounds.
        chosen: the model's id.
        drawn: what its lineage began with.
        timetable: the work of each round.
    """
    steps: list[PathStep] = []
    model = chosen
    # From the last round back: a record names a model's parent, not what comes of it.
    for times, record in zip(reversed(timetable), reversed(rounds), strict=True):
        candidate = next(entry for entry in record["candidates"] if entry["id"] == model)
        steps.append(
            PathStep(
                middle=times.middle if times.derives else None,
                end=times.end,
                settings=candidate["settings"],
                is_evolved=times.derives and candidate["strategy"] != UNCHANGED.name,
            )
        )
        model = candidate["parent"]
    return LineagePath(
        start=drawn.start, settings=drawn.settings.to_json(), steps=tuple(reversed(steps))
    )
