"""The inputs of one attack run."""

from dataclasses import replace

import torch

from safecompress_core.api import WHITE_BOX, AttackerDef, AttackerParams
from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.games.attack_context import AttackRun
from safecompress_core.seeding import Seed


def bout(known: ObservedPool, asked: ObservedPool) -> AttackRun:
    """Run of an attacker that needs no queries."""
    definition = AttackerDef(
        name="idle",
        params=AttackerParams,
        target="nowhere:Nothing",
        summary="Idle.",
        game="evasion",
        needs=WHITE_BOX,
    )
    return AttackRun(
        definition=definition,
        params=AttackerParams(),
        attacker=None,
        known=known,
        asked=asked,
        seed=Seed(1),
    )


def test_bounds_are_those_of_the_data_or_else_those_that_were_seen(
    sights: tuple[ObservedPool, ObservedPool],
) -> None:
    """Of both pools together: neither alone has the lowest and the highest input."""
    known, asked = sights
    known.seen.inputs[0, 0], asked.seen.inputs[0, 0] = -3.0, 7.0
    declared = replace(asked.dataset, bounds=(torch.tensor(0.0), torch.tensor(1.0)))

    seen = bout(known, asked).bounds
    own = bout(known, replace(asked, dataset=declared)).bounds

    assert (float(seen[0]), float(seen[1])) == (-3.0, 7.0)
    assert (float(own[0]), float(own[1])) == (0.0, 1.0)
