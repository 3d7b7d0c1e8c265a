"""Baselines without the model, in words."""

from string import Formatter

from safecompress_core.api import Baseline, GameDef
from safecompress_core.games.records import game_in
from safecompress_core.report.formatting import and_list, format_number
from safecompress_core.report.verdict import VerdictFinding
from safecompress_core.results.schema import AttackRecord, Results

__all__ = ["guess_name", "guess_sentence", "guesses"]


def guess_name(game: GameDef, attack: AttackRecord) -> str:
    """Return the name of the baseline that an attack is compared with."""
    return _filled(_baseline(game, attack).guess, game, attack)


def guess_sentence(game: GameDef, attack: AttackRecord) -> str:
    """Return a sentence on its result."""
    achieves = _filled(_baseline(game, attack).achieves, game, attack)
    return f"Without the model, {guess_name(game, attack)} {achieves}"


def guesses(results: Results) -> tuple[VerdictFinding, ...]:
    """Return the baselines whose rule was chosen, a sentence each."""
    attacks_of: dict[str, list[str]] = {}
    for name, attack in results.audit.items():
        game = game_in(results.games, attack.game)
        baseline = _baseline(game, attack)
        if _keys(baseline.guess):
            good = _filled(baseline.achieves, game, attack).removeprefix("is ")
            attacks_of.setdefault(f"{guess_name(game, attack)} ({good})", []).append(name)
    return tuple(
        VerdictFinding(f"Best guess without the model, for {and_list(attacks)}: {guess}.")
        for guess, attacks in attacks_of.items()
    )


def _baseline(game: GameDef, attack: AttackRecord) -> Baseline:
    """The first one whose keys the attack has; else the last one, which lacks its figures."""
    values = dict(attack)
    for baseline in game.baselines:
        keys = _keys(f"{baseline.guess} {baseline.achieves}")
        if all(values.get(key) is not None for key in keys):
            return baseline
    return game.baselines[-1]


def _keys(template: str) -> list[str]:
    """The keys that a template names."""
    return [key for _, key, _, _ in Formatter().parse(template) if key]


def _filled(template: str, game: GameDef, attack: AttackRecord) -> str:
    """A template with figures as people write them, and rules by what they are called."""
    fields = dict(attack)
    values = {key: fields.get(key) for key in _keys(template)}
    words = {
        key: game.rules.get(value, value) if isinstance(value, str) else format_number(value)
        for key, value in values.items()
        if value is not None
    }
    return template.format_map(dict.fromkeys(values, "–") | words)
