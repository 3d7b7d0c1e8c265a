"""The networks of a run."""

from collections.abc import Callable

import torch

from safecompress_core.context.run_context import RunContext

Prepare = Callable[..., RunContext]


def test_a_blank_network_has_the_same_weights_at_every_call(prepare: Prepare) -> None:
    """Those that the seed gives."""
    one, other = prepare(), prepare(seed=4)
    first, second, third = one.create_network(), one.create_network(), other.create_network()

    assert first is not second
    assert all(map(torch.equal, first.parameters(), second.parameters()))
    assert not all(map(torch.equal, first.parameters(), third.parameters()))
