"""Samples of a run: canaries, members, notes, and data that several runs share."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.context.samples import with_membership_note
from safecompress_core.errors import PoolError
from safecompress_plugins.data.arrays.handwriting import Handwriting

Prepare = Callable[..., RunContext]


def test_canaries_alone_have_a_wrong_label(prepare: Prepare) -> None:
    """What is attacked ordinarily is as it was, and so is everything in a run without canaries."""
    run_context = prepare(pools={"canaries": 20})
    changed = run_context.dataset.labels != run_context.original.labels
    assert run_context.pools.canaries is not None

    assert torch.equal(changed.nonzero()[:, 0], run_context.pools.canaries.indices.sort().values)
    described = run_context.describe_pools()
    assert (described["canaries"]["members"], described["canaries"]["non_members"]) == (20, 20)
    plain = prepare()
    assert plain.dataset is plain.original
    assert "canaries" not in plain.describe_pools()


def test_the_data_may_decide_who_is_a_member(prepare: Prepare) -> None:
    """``members: given`` trains on those that the data name, whatever the seed; else it says so."""
    run_context = prepare(pools={"members": "given"})
    with pytest.raises(PoolError, match="do not state which samples are members; write a share"):
        _ = run_context.pools
    given = torch.arange(len(run_context.original)) % 3 == 0

    vars(run_context.samples)["original"] = replace(run_context.original, is_member=given)

    assert torch.equal(run_context.pools.members.sort().values, given.nonzero()[:, 0])


def test_runs_that_share_a_shelf_load_the_same_data_once(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else differs; other parameters of the data are other data."""
    first, other = prepare(), prepare(seed=4, task__model={"type": "mlp", "hidden": [4]})
    unlike = prepare(task__data={"type": "handwriting", "task": "digit"})
    whole = first.original
    monkeypatch.setattr(Handwriting, "load", lambda self: pytest.fail("it is loaded again"))

    assert (
        replace(other.samples, dataset_cache=first.samples.dataset_cache).original.inputs
        is whole.inputs
    )
    with pytest.raises(pytest.fail.Exception, match="loaded again"):
        _ = replace(unlike.samples, dataset_cache=first.samples.dataset_cache).original


def test_membership_that_the_data_know_and_the_seed_draws_is_told(prepare: Prepare) -> None:
    """A note where nobody named it; how a spec that names it is warned of is its own matter."""
    run_context = prepare()
    data = run_context.original
    parts = replace(data, is_member=torch.arange(len(data)) % 2 == 0)

    assert with_membership_note(data, run_context.spec) is data
    note = with_membership_note(parts, run_context.spec).notes[-1]
    assert note.startswith(
        "the data's own parts (training and test, say) are not used: members are"
    )
    assert with_membership_note(parts, prepare(pools={"members": "given"}).spec) is parts
