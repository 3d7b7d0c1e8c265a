"""Games of plugins in results, so that whatever reads results needs no plugin.

SafeCompress's own games are known without: only those of others are recorded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from safecompress_core.api import Baseline, GameDef, Measure
from safecompress_core.games.manifest import DEFINITIONS
from safecompress_core.results.schema import GameRecord

__all__ = ["game_in", "record_games"]

OWN = {definition.name: definition for definition in DEFINITIONS}


def record_games(games: Iterable[GameDef]) -> dict[str, GameRecord]:
    """By name, what readers of results need of each game that is not SafeCompress's own."""
    # Compared by value: a plugin may replace a game of core, and must then be recorded.
    return {game.name: _record(game) for game in games if OWN.get(game.name) != game}


def game_in(games: Mapping[str, Any] | None, name: str) -> GameDef:
    """Return the game of that name, from the ``games`` of results where a plugin has brought it."""
    record = (games or {}).get(name)
    # A record wins over core's definition, since it is what the run played.
    return OWN[name] if record is None else _restore(name, GameRecord.model_validate(record))


def _record(game: GameDef) -> GameRecord:
    """Without ranges, which only the check of a spec needs."""
    keys = GameRecord.model_fields.keys()
    content = {key: value for key, value in asdict(game).items() if key in keys}
    for measure in content["measures"]:
        del measure["lowest"], measure["highest"]
    return GameRecord.model_validate(content)


def _restore(name: str, record: GameRecord) -> GameDef:
    content = record.model_dump()
    measures, baselines = content.pop("measures"), content.pop("baselines")
    return GameDef(
        name=name,
        # An empty target cannot be created: a restored game only describes results.
        target="",
        measures=tuple(Measure(**measure) for measure in measures),
        baselines=tuple(Baseline(**baseline) for baseline in baselines),
        **content,
    )
