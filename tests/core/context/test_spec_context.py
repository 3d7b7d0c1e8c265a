"""What every audit needs of a spec: data, pools and metrics."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import PoolError

Prepare = Callable[..., RunContext]


def test_the_data_may_decide_who_is_a_member(prepare: Prepare) -> None:
    """``members: given`` trains on those that the data name, whatever the seed; else it says so."""
    run_context = prepare(pools={"members": "given"})
    with pytest.raises(PoolError, match="do not tell which samples are members; write a share"):
        _ = run_context.pools
    given = torch.arange(len(run_context.original)) % 3 == 0

    vars(run_context)["original"] = replace(run_context.original, is_member=given)

    assert torch.equal(run_context.pools.members.sort().values, given.nonzero()[:, 0])


def test_performance_is_the_first_metric_over_samples(prepare: Prepare) -> None:
    """Whatever stands before it."""
    run_context = prepare(metrics=[{"type": "size"}, {"type": "accuracy"}])

    assert list(run_context.metrics) == ["size", "accuracy"]
    assert run_context.performance[0] == "accuracy"


def test_pools_are_described_by_sizes_and_fingerprints(prepare: Prepare) -> None:
    """Of 1,797 samples, half members; another seed gives other pools."""
    described = prepare().describe_pools()
    other = prepare(seed=4).describe_pools()

    assert {name: (one["members"], one["non_members"]) for name, one in described.items()} == {
        "attack_train": (359, 359),
        "select": (270, 270),
        "audit": (269, 270),
    }
    for name, one in described.items():
        assert len(one["fingerprint"]) == 64
        assert one["fingerprint"] != other[name]["fingerprint"]


def test_membership_that_the_data_know_and_the_seed_draws_is_told(prepare: Prepare) -> None:
    """A note where nobody named it; how a spec that names it is warned of is its own matter."""
    run_context = prepare()
    data = run_context.original
    parts = replace(data, is_member=torch.arange(len(data)) % 2 == 0)

    assert run_context.with_membership_note(data) is data
    note = run_context.with_membership_note(parts).notes[-1]
    assert note.startswith(
        "the data's own parts (training and test, say) are not used: members are"
    )
    assert prepare(pools={"members": "given"}).with_membership_note(parts) is parts
