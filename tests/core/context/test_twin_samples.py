"""Samples of swap twins: the run's, with members and others of select exchanged."""

from collections.abc import Callable

from safecompress_core.context.run_context import RunContext

Prepare = Callable[..., RunContext]
TWINNED = {"method__twins": True, "attackers": [{"type": "counterfactual"}]}


def test_a_twin_has_seen_what_was_exchanged_and_never_the_audit_pool(prepare: Prepare) -> None:
    """Its members are the model's, less the exchanged ones, with as many others of select."""
    run_context = prepare(**TWINNED)
    pools, twin = run_context.pools, run_context.twin_samples.pools
    exchanged = run_context.twin_samples.exchanged

    members, others = set(pools.members.tolist()), set(twin.members.tolist())

    assert members - others == set(exchanged.members.tolist())
    assert others - members == set(exchanged.non_members.tolist())
    assert len(members) == len(others)
    assert twin.audit is pools.audit
    assert not others & set(pools.audit.non_members.tolist())


def test_the_seed_decides_who_is_exchanged(prepare: Prepare) -> None:
    """And a twin leaves the pools of the run as they are without one."""
    first, again = prepare(**TWINNED), prepare(**TWINNED)
    other = prepare(**TWINNED, seed=4)

    assert first.twin_samples.exchanged.members.equal(again.twin_samples.exchanged.members)
    assert not first.twin_samples.exchanged.members.equal(other.twin_samples.exchanged.members)
    assert first.pools.members.equal(prepare().pools.members)
