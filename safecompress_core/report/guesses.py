"""Baselines without the model, in words."""

from collections.abc import Mapping
from string import Formatter
from typing import Any

from safecompress_core.api import Baseline, GameDef
from safecompress_core.games.records import game_in
from safecompress_core.report.formatting import and_list, format_number
from safecompress_core.report.verdict import VerdictFinding

__all__ = ["guess_name", "guess_sentence", "guesses"]


def guess_name(game: GameDef, judged: Mapping[str, Any]) -> str:
    """Return the name of the baseline that an attack is compared with.

    >>> from safecompress_core.games.manifest import ATTRIBUTE
    >>> guess_name(ATTRIBUTE, {"baseline_rule": "boosting", "baseline": 0.5})
    'gradient boosting on public features'
    """
    return _filled(_baseline(game, judged).guess, game, judged)


def guess_sentence(game: GameDef, judged: Mapping[str, Any]) -> str:
    """Return a sentence on its result.

    >>> from safecompress_core.games.manifest import MEMBERSHIP
    >>> guess_sentence(MEMBERSHIP, {"baseline": 0.5})
    'Without the model, tossing a coin over balanced pools is right with 0.500'
    """
    achieves = _filled(_baseline(game, judged).achieves, game, judged)
    return f"Without the model, {guess_name(game, judged)} {achieves}"


def guesses(results: Mapping[str, Any]) -> tuple[VerdictFinding, ...]:
    """Return the baselines whose rule was chosen, a sentence each."""
    held: dict[str, list[str]] = {}
    for attack, judged in results["audit"].items():
        game = game_in(results.get("games"), judged["game"])
        baseline = _baseline(game, judged)
        if _keys(baseline.guess):
            good = _filled(baseline.achieves, game, judged).removeprefix("is ")
            held.setdefault(f"{guess_name(game, judged)} ({good})", []).append(attack)
    return tuple(
        VerdictFinding(f"Best guess without the model, for {and_list(attacks)}: {guess}.")
        for guess, attacks in held.items()
    )


def _baseline(game: GameDef, judged: Mapping[str, Any]) -> Baseline:
    """The first one whose keys the attack has; else the last one, which lacks its figures."""
    for baseline in game.baselines:
        keys = _keys(f"{baseline.guess} {baseline.achieves}")
        if all(judged.get(key) is not None for key in keys):
            return baseline
    return game.baselines[-1]


def _keys(template: str) -> list[str]:
    """The keys that a template names."""
    return [key for _, key, _, _ in Formatter().parse(template) if key]


def _filled(template: str, game: GameDef, judged: Mapping[str, Any]) -> str:
    """A template with figures as people write them, and rules by what they are called."""
    values = {key: judged.get(key) for key in _keys(template)}
    words = {
        key: game.rules.get(value, value) if isinstance(value, str) else format_number(value)
        for key, value in values.items()
        if value is not None
    }
    return template.format_map(dict.fromkeys(values, "–") | words)
