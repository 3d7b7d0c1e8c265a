"""Selection gap: scores of the chosen model on *select*, compared with the audit's."""

from collections.abc import Mapping

from safecompress_core.results.schema import AnyAttackRecord, GapRecord, GapSideRecord
from safecompress_core.stats.intervals import Estimate, mean_difference_of_independent

__all__ = ["selection_gap"]


def selection_gap(
    tested: Mapping[str, AnyAttackRecord], audit: Mapping[str, AnyAttackRecord]
) -> dict[str, GapRecord]:
    """By game, the strongest attack on the chosen model in either place, and their difference.

    Two things move it: the attacks differ, and the chosen model is the one that looked best on the
    select pool, so that what was seen there is apt to be too low. The pools share no sample, so the
    interval of the difference is made of the two intervals (MOVER), each taken as it was found:
    that either attack is the strongest of several is not allowed for.

    Args:
        tested: attacks on the chosen candidate in its round; empty where nothing was chosen.
        audit: attacks on the chosen model in the audit.

    Returns:
        The gap of each game that was played in both places; empty for a method that chose nothing.

    Source: Zou & Donner 2008, "Construction of confidence limits about effect measures: a general
    approach" (MOVER).
    """
    # A dict keeps the order of games; a set would not.
    games = dict.fromkeys(attack.game for attack in tested.values())
    return {
        game: _gap(_strongest(tested, game), _strongest(audit, game))
        for game in games
        # A game that was played in one place has no gap.
        if any(attack.game == game for attack in audit.values())
    }


def _strongest(attacks: Mapping[str, AnyAttackRecord], game: str) -> GapSideRecord:
    name = max(
        (name for name, attack in attacks.items() if attack.game == game),
        key=lambda name: attacks[name].advantage,
    )
    attack = attacks[name]
    # Only keys that were set, so that the record does not gain nulls.
    keys = {"advantage", "advantage_interval", "outdone_by"} & attack.model_fields_set
    return GapSideRecord(attacker=name, **{key: getattr(attack, key) for key in keys})


def _gap(seen: GapSideRecord, audited: GapSideRecord) -> GapRecord:
    # Audit less select: positive means that selection understated the leak.
    gap = mean_difference_of_independent(_advantage(audited), _advantage(seen))
    return GapRecord(
        select=seen,
        audit=audited,
        gap=gap.value,
        gap_interval=gap.interval,
        # Only a whole interval on one side counts; everything else agrees.
        selection="understated" if gap.low > 0 else "overstated" if gap.high < 0 else "agrees",
    )


def _advantage(side: GapSideRecord) -> Estimate:
    return Estimate(side.advantage, *side.advantage_interval)
