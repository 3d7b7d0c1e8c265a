"""What selection saw of the chosen model, beside what the audit finds of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from safecompress_core.stats.intervals import Estimate, difference

__all__ = ["selection_gap"]

Judged = Mapping[str, Any]
"""An attack as ``results.json`` holds it."""


def selection_gap(
    rounds: Sequence[Mapping[str, Any]], chosen_id: str, audit: Mapping[str, Judged]
) -> dict[str, Any]:
    """By game, the strongest attack on the chosen model in either place, and their difference.

    Two things move it: the attacks differ, and the chosen model is the one that looked best on the
    select pool, so that what was seen there is apt to be too low. The pools share no sample, so the
    interval of the difference is made of the two intervals (MOVER), each taken as it was found:
    that either attack is the strongest of several is not allowed for.

    Args:
        rounds: as in results.
        chosen_id: the chosen candidate; empty where nothing was chosen.
        audit: of the chosen model.

    Returns:
        By game that was played in both places ``select`` and ``audit`` (each ``attacker``,
        ``advantage``, ``advantage_interval``; in ``select`` also ``outdone_by``), ``gap`` (audit
        less select), ``gap_interval`` and ``selection``: ``understated``, ``overstated``, or
        ``agrees`` where the interval covers 0. Empty for a method that chose nothing.

    Source: Zou & Donner 2008, "Construction of confidence limits about effect measures: a general
    approach" (MOVER).
    """
    tested: dict[str, Judged] = next(
        (
            candidate["attacks"]
            for round_ in rounds
            for candidate in round_["candidates"]
            if candidate["id"] == chosen_id
        ),
        {},
    )
    games = dict.fromkeys(one["game"] for one in tested.values())
    return {
        game: _gap(_strongest(tested, game), _strongest(audit, game))
        for game in games
        if any(one["game"] == game for one in audit.values())
    }


def _strongest(judged: Mapping[str, Judged], game: str) -> dict[str, Any]:
    name = max(
        (name for name, one in judged.items() if one["game"] == game),
        key=lambda name: float(judged[name]["advantage"]),
    )
    kept = {key: judged[name][key] for key in ("advantage", "advantage_interval")}
    also = {"outdone_by": judged[name]["outdone_by"]} if "outdone_by" in judged[name] else {}
    return {"attacker": name, **kept, **also}


def _gap(seen: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    gap = difference(_advantage(found), _advantage(seen))
    outcome = "understated" if gap.low > 0 else "overstated" if gap.high < 0 else "agrees"
    return {
        "select": seen,
        "audit": found,
        "gap": gap.value,
        "gap_interval": list(gap.interval),
        "selection": outcome,
    }


def _advantage(one: Mapping[str, Any]) -> Estimate:
    return Estimate(one["advantage"], *one["advantage_interval"])
