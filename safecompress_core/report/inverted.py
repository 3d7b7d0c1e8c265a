"""Inverted attacks: those whose AUC has its whole interval under 0.5, and what that can mean."""

from collections.abc import Mapping
from typing import Any

from safecompress_core.api import GameDef
from safecompress_core.games.records import game_in
from safecompress_core.report.formatting import and_list, number, span
from safecompress_core.report.summary import columns_of

__all__ = ["explanations", "remark"]

Results = Mapping[str, Any]
Judged = Mapping[str, Any]


def explanations(results: Results) -> tuple[str, ...]:
    """Return a sentence for each inverted attack: its AUC, what can cause it, and what counts."""
    return tuple(
        _explained(name, one, game_in(results.get("games"), one["game"]))
        for name, one in _inverted(results).items()
    )


def remark(results: Results) -> str:
    """Return what a verdict adds where an attack is inverted; empty where none is."""
    names = list(_inverted(results))
    if not names:
        return ""
    have = "has" if len(names) == 1 else "have"
    return (
        f" {and_list(names)} {have} an AUC under 0.5: labels, scores or members may be exchanged."
    )


def _inverted(results: Results) -> dict[str, Judged]:
    """Inverted attacks on any model of the results, by name; those on canaries apart."""
    columns = columns_of(results)
    found: dict[str, Judged] = {}
    for model, part in columns.items():
        of = f" on the {model} model" if len(columns) > 1 else ""
        for attack, judged in part["audit"].items():
            for place, one in (("", judged), (" (canaries)", judged.get("canaries"))):
                if one is not None and one.get("reversed") is not None:
                    found[f"{attack}{place}{of}"] = one
    return found


def _explained(name: str, one: Judged, game: GameDef) -> str:
    other = one["reversed"]
    return (
        f"{name} is inverted: AUC {number(one['auc'])} ({span(*one['auc_interval'])}) is under "
        f"0.5, and an attack that finds nothing has 0.5. It can mean {game.inverted_by}. "
        f"Reversed, it has AUC {number(other['auc'])} and advantage {number(other['advantage'])} "
        f"({span(*other['advantage_interval'])}); gates count the reversed attack as well."
    )
