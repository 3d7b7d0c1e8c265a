"""Contexts of reference models."""

from collections.abc import Callable
from typing import Any

import torch

from safecompress_core.context.reference_context import (
    assign_reference_members,
    build_reference_context,
    count_references,
    reference_members,
)
from safecompress_core.context.run_context import RunContext

Prepare = Callable[..., RunContext]
LIRA: dict[str, Any] = {"type": "lira", "references": 4}


def test_as_many_are_trained_as_the_attacker_that_asks_for_most(prepare: Prepare) -> None:
    """They are shared; without such an attacker there are none."""
    both = [LIRA, {"type": "rmia", "references": 6}, {"type": "modified-entropy"}]

    assert count_references(prepare(audit__attackers=both)) == 6
    assert count_references(prepare()) == 0


def test_a_reference_model_has_its_own_half_pools_and_weights(prepare: Prepare) -> None:
    """And the same spec in everything else."""
    run_context = prepare(audit__attackers=[LIRA])
    first, second = build_reference_context(run_context, 0), build_reference_context(run_context, 1)
    everyone = torch.arange(len(run_context.dataset))

    assert torch.equal(first.pools.members, everyone[reference_members(run_context, 0)])
    assert torch.equal(second.pools.members, everyone[~reference_members(run_context, 0)])
    assert first.spec is run_context.spec
    assert first.dataset is run_context.dataset
    drawn = [one.create_network().state() for one in (run_context, first, second)]
    name = next(iter(drawn[0]))
    assert not torch.equal(drawn[0][name], drawn[1][name])
    assert not torch.equal(drawn[1][name], drawn[2][name])


def test_who_is_in_says_nothing_of_who_is_a_member(prepare: Prepare) -> None:
    """Members and non-members of every pool are in exactly as many models."""
    run_context = prepare()
    times = assign_reference_members(run_context, 8).sum(dim=0)

    for pool in run_context.pools:
        assert (times[pool.members] == 4).all()
        assert (times[pool.non_members] == 4).all()
