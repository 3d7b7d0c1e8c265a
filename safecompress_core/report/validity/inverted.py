"""Inverted attacks: those whose AUC has its whole interval under 0.5, and what that can mean."""

from safecompress_core.api import GameDef
from safecompress_core.games.records import game_in
from safecompress_core.report.formatting import and_list, format_interval, format_number
from safecompress_core.report.summary import columns_of
from safecompress_core.results.schema import AttackRecord, MembershipRecord, Results

__all__ = ["explanations", "remark"]


def explanations(results: Results) -> tuple[str, ...]:
    """Return a sentence for each inverted attack: its AUC, what can cause it, and what counts."""
    return tuple(
        _explain(name, attack, game_in(results.games, attack.game))
        for name, attack in _find_inverted(results).items()
    )


def remark(results: Results) -> str:
    """Return what a verdict adds where an attack is inverted; empty where none is."""
    names = list(_find_inverted(results))
    if not names:
        return ""
    have = "has" if len(names) == 1 else "have"
    return (
        f" {and_list(names)} {have} an AUC under 0.5: labels, scores or members may be exchanged."
    )


def _find_inverted(results: Results) -> dict[str, AttackRecord]:
    """Inverted attacks on any model of the results, by name; those on canaries apart."""
    columns = columns_of(results)
    attacks: dict[str, AttackRecord] = {}
    for model, part in columns.items():
        of = f" on the {model} model" if len(columns) > 1 else ""
        for name, attack in part.audit.items():
            if attack.reversed is not None:
                attacks[f"{name}{of}"] = attack
            canaries = attack.canaries if isinstance(attack, MembershipRecord) else None
            if canaries is not None and canaries.reversed is not None:
                attacks[f"{name} (canaries){of}"] = canaries
    return attacks


def _explain(name: str, attack: AttackRecord, game: GameDef) -> str:
    auc, other = attack.estimate("auc"), attack.reversed
    assert auc is not None  # by it an attack is inverted
    assert other is not None
    return (
        f"{name} is inverted: AUC {format_number(auc.value)} ({format_interval(*auc.interval)}) "
        f"is under "
        f"0.5, and an attack that finds nothing has 0.5. It can mean {game.inverted_by}. "
        f"Reversed, it has AUC {format_number(other.auc)} and advantage "
        f"{format_number(other.advantage)} "
        f"({format_interval(*other.advantage_interval)}); gates count the reversed attack as well."
    )
