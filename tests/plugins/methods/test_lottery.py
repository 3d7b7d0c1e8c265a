"""Lottery tickets: what is pruned, and what is rewound."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch

from safecompress_core.training.training_state import TrainingState

LOTTERY = {"type": "lottery", "density": 0.2, "iterations": 2}


@pytest.mark.parametrize("rewind", [0, 2])
def test_every_ticket_starts_from_the_same_weights_and_keeps_the_largest_of_the_last(
    shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, rewind: int
) -> None:
    """Those of the epoch that it rewinds to; each topology is a part of the one before."""
    one = shop({**LOTTERY, "rewind": rewind})
    train = one.method_context.trainer.train
    starts, ends = [], []
    topologies: list[Any] = []

    def noted(state: TrainingState, **how: Any) -> None:
        before = state.epoch
        weights_now = {name: weight.detach().clone() for name, weight in state.weights.items()}
        train(state, **how)
        if before == rewind:
            starts.append(weights_now)
            ends.append({name: weight.detach().clone() for name, weight in state.weights.items()})
            topologies.append(state.topology)

    monkeypatch.setattr(one.method_context.trainer, "train", noted)
    outcome = one.run()

    assert topologies[0] is None
    assert [topology.total_active for topology in topologies[1:]] == [372, 166]
    for topology, start, last in zip(topologies[1:], starts[1:], ends, strict=False):
        for name, mask in topology.masks.items():
            assert torch.equal(start[name], starts[0][name] * mask)
        kept = torch.cat([last[name][mask].abs() for name, mask in topology.masks.items()])
        gone = torch.cat([last[name][~mask].abs() for name, mask in topology.masks.items()])
        assert kept.min() >= gone.max()
    for before, after in pairwise(topologies[1:]):
        for name, mask in after.masks.items():
            assert not (mask & ~before.masks[name]).any()
    assert [phase["epochs"] for phase in outcome.phases] == [6, 6 - rewind, 6 - rewind]


def test_rewinding_to_the_end_is_a_problem(shop: Callable[..., Any]) -> None:
    """Nothing would be trained."""
    prepared = shop({**LOTTERY, "rewind": 6}).run_context
    [problem] = prepared.method.check(
        prepared.create_network(), prepared.recipe, prepared.registry.create, prepared.architecture
    )

    assert (problem.path, problem.hint) == (("rewind",), "write at most 5")
