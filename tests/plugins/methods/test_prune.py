"""Magnitude pruning in its phases."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from safecompress_core.errors import SpecError
from safecompress_core.training.training_state import TrainingState

PRUNE = {"type": "prune", "density": 0.3}


def copied(state: TrainingState) -> dict[str, Tensor]:
    """All that training goes on from, as it is now."""
    return {name: tensor.clone() for name, tensor in state.tensors().items()}


def test_at_once_the_dense_networks_largest_weights_are_fine_tuned(
    shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They start from their trained values; the rest is 0 from then on."""
    one = shop(PRUNE)
    train = one.method_context.trainer.train
    seen: list[tuple[int, int, dict[str, Any]]] = []

    def noted(state: TrainingState, *, until: int, **how: Any) -> None:
        seen.append((state.epoch, until, how | copied(state)))
        train(state, until=until, **how)
        seen.append((state.epoch, until, how | copied(state)))

    monkeypatch.setattr(one.method_context.trainer, "train", noted)
    outcome = one.run()
    (start, _, _), (_, _, dense), (middle, end, pruned), _ = seen
    names = list(outcome.chosen.weights)
    trained = torch.cat([dense[f"network.{name}"].flatten() for name in names])
    begun = torch.cat([pruned[f"network.{name}"].flatten() for name in names])
    masks = torch.cat([outcome.chosen.topology.masks[name].flatten() for name in names])

    assert (start, middle, end) == (0, 3, 6)
    assert torch.equal(begun, trained * masks)
    assert trained[masks].abs().min() >= trained[~masks].abs().max()
    assert (dense["phase"], pruned["phase"]) == ((0, 3), (3, 6))
    assert [(one["name"], one["epochs"]) for one in outcome.phases] == [
        ("pretrain", 3),
        ("prune and fine-tune", 3),
    ]
    assert outcome.phases[0]["density"] == 1.0


def test_gradually_it_never_takes_back_what_it_has_pruned(
    shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each topology is a part of the one before, down to the wanted density."""
    one = shop({**PRUNE, "schedule": "cubic", "pretrain": 0.1}, training__epochs=10)
    train = one.method_context.trainer.train
    topologies = []

    def noted(state: TrainingState, **how: Any) -> None:
        if state.topology is not None:
            topologies.append(state.topology)
        train(state, **how)

    monkeypatch.setattr(one.method_context.trainer, "train", noted)
    outcome = one.run()
    steps = outcome.phases[1]["steps"]

    assert [step["epoch"] for step in steps] == [2, 3, 4, 5, 6, 7, 8]
    assert [step["density"] for step in steps] == sorted(
        (step["density"] for step in steps), reverse=True
    )
    assert steps[-1]["density"] == outcome.chosen.density
    assert len(topologies) == len(steps)
    for before, after in pairwise(topologies):
        for name, mask in after.masks.items():
            assert not (mask & ~before.masks[name]).any()


def test_an_end_before_the_start_is_refused_at_its_place(shop: Callable[..., Any]) -> None:
    """Before anything is loaded."""
    with pytest.raises(SpecError, match="until is 0.4, and pretrain 0.5; write an 'until'"):
        shop({**PRUNE, "schedule": "cubic", "until": 0.4})


def test_too_few_epochs_for_its_phases_are_a_problem(shop: Callable[..., Any]) -> None:
    """It says how many it takes."""
    prepared = shop({**PRUNE, "schedule": "cubic"}, training__epochs=2).run_context
    [problem] = prepared.method.check(
        prepared.create_network(), prepared.recipe, prepared.registry.create, prepared.architecture
    )

    assert problem.message == "training.epochs is 2; the method has 3 phases"
    assert problem.hint == "write training.epochs: 3, or more"
