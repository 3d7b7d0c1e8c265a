"""Inverted attacks: those whose AUC has its whole interval under 0.5, and what that can mean."""

from collections.abc import Mapping
from typing import Any

from safecompress_core.api import GameDef
from safecompress_core.games.records import game_in
from safecompress_core.report.formatting import and_list, format_interval, format_number
from safecompress_core.report.summary import columns_of

__all__ = ["explanations", "remark"]

Results = Mapping[str, Any]
Judged = Mapping[str, Any]


def explanations(results: Results) -> tuple[str, ...]:
    """Return a sentence for each inverted attack: its AUC, what can cause it, and what counts."""
    return tuple(
        _explain(name, attack, game_in(results.get("games"), attack["game"]))
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


def _find_inverted(results: Results) -> dict[str, Judged]:
    """Inverted attacks on any model of the results, by name; those on canaries apart."""
    columns = columns_of(results)
    inverted_attacks: dict[str, Judged] = {}
    for model, part in columns.items():
        of = f" on the {model} model" if len(columns) > 1 else ""
        for attack, judged in part["audit"].items():
            for place, record in (("", judged), (" (canaries)", judged.get("canaries"))):
                if record is not None and record.get("reversed") is not None:
                    inverted_attacks[f"{attack}{place}{of}"] = record
    return inverted_attacks


def _explain(name: str, attack: Judged, game: GameDef) -> str:
    other = attack["reversed"]
    return (
        f"{name} is inverted: AUC {format_number(attack['auc'])} "
        f"({format_interval(*attack['auc_interval'])}) is under "
        f"0.5, and an attack that finds nothing has 0.5. It can mean {game.inverted_by}. "
        f"Reversed, it has AUC {format_number(other['auc'])} and advantage "
        f"{format_number(other['advantage'])} "
        f"({format_interval(*other['advantage_interval'])}); gates count the reversed attack as "
        f"well."
    )
