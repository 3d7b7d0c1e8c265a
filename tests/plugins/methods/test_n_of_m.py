"""N:M structured sparsity: which weights stay, and how they are trained."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from safecompress_core.errors import SpecError
from safecompress_core.training.training_state import TrainingState
from safecompress_plugins.strategies.groups import largest_of_groups

N_OF_M = {"type": "n-m"}


def grouped(mask: Tensor) -> Tensor:
    """How many stay in each four consecutive inputs."""
    return mask.view(len(mask), -1, 4).sum(dim=2)


@pytest.mark.parametrize("schedule", ["one-shot", "sr-ste"])
def test_the_model_is_n_of_m_wherever_it_can_be(shop: Callable[..., Any], schedule: str) -> None:
    """64 and 8 inputs are whole groups of 4, 10 are not: that layer stays dense, and is named."""
    outcome = shop({**N_OF_M, "schedule": schedule}).run()
    learner = outcome.chosen
    first, second, last = learner.topology.masks.values()

    assert (grouped(first) == 2).all()
    assert second.all()
    assert (grouped(last) == 2).all()
    for mask, weight in zip((first, second, last), learner.weights.values(), strict=True):
        assert not weight[~mask].any()
        assert weight[mask].all()
    assert outcome.facts == {"dense_layers": [list(learner.weights)[1]]}


def test_convolutions_are_grouped_by_their_input_channels(shop: Callable[..., Any]) -> None:
    """One channel is no group of 4, so the first layer of a ResNet stays dense."""
    model = {"type": "resnet18", "width": 0.0625}
    outcome = shop(N_OF_M, task__model=model, training__epochs=2).run()
    first, *others = outcome.chosen.topology.masks.values()

    assert first.shape[1] == 1
    assert first.all()
    for mask in others:
        assert (mask.unflatten(1, (-1, 4)).sum(dim=2) == 2).all()
    assert len(outcome.facts["dense_layers"]) == 1


def test_the_dense_networks_largest_weights_are_fine_tuned(
    shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They start from their trained values, under a schedule of their own."""
    one = shop(N_OF_M)
    train = one.method_context.trainer.train
    seen: list[tuple[int, tuple[int, int], dict[str, Tensor]]] = []

    def noted(state: TrainingState, *, phase: tuple[int, int], **how: Any) -> None:
        def now() -> dict[str, Tensor]:
            return {name: weight.detach().clone() for name, weight in state.weights.items()}

        seen.append((state.epoch, phase, now()))
        train(state, phase=phase, **how)
        seen.append((state.epoch, phase, now()))

    monkeypatch.setattr(one.method_context.trainer, "train", noted)
    outcome = one.run()
    _, dense, pruned, _ = seen

    assert [(epoch, phase) for epoch, phase, _ in seen] == [
        (0, (0, 3)),
        (3, (0, 3)),
        (3, (3, 6)),
        (6, (3, 6)),
    ]
    for name, mask in outcome.chosen.topology.masks.items():
        assert torch.equal(pruned[2][name], dense[2][name] * mask)


def test_sr_ste_makes_the_step_of_the_paper(shop: Callable[..., Any]) -> None:
    """One step of plain SGD: W − γ · (∂L/∂W' + λ_W · (1 − mask) ⊙ W), by a loop of its own."""
    plain = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.5}
    one = shop(
        {**N_OF_M, "schedule": "sr-ste", "decay": 0.1},
        **{f"training__{name}": value for name, value in plain.items()},
        training__epochs=1,
        training__batch_size=10_000,
    )
    network, trainer = one.method_context.create_network(), one.method_context.trainer
    before = {name: w.detach().clone() for name, w in network.sparse_parameters().items()}
    masks = {
        name: largest_of_groups(w.abs(), n=2, m=4) if w.shape[1] % 4 == 0 else torch.ones_like(w)
        for name, w in before.items()
    }
    with torch.no_grad():
        for name, weight in network.sparse_parameters().items():
            weight.mul_(masks[name])
    slopes = trainer.loss_gradients(network, batches=1).gradients
    expected = {
        name: w - 0.5 * (slopes[name] + 0.1 * w * (1 - masks[name].float()))
        for name, w in before.items()
    }

    chosen = one.run().chosen

    for name, weight in chosen.weights.items():
        kept = chosen.topology.masks[name]
        torch.testing.assert_close(weight[kept], expected[name][kept])
        if weight.shape[1] % 4 == 0:
            assert torch.equal(kept, largest_of_groups(expected[name].abs(), n=2, m=4))


def test_a_group_that_leaves_nothing_out_is_refused(shop: Callable[..., Any]) -> None:
    """At its place, before anything is loaded."""
    with pytest.raises(SpecError, match="n is 4, and m 4; write an 'n' less than 'm'"):
        shop({**N_OF_M, "n": 4})


@pytest.mark.parametrize(
    ("method", "epochs", "field", "message"),
    [
        ({"m": 7}, 6, "m", "7 divides no layer's number of inputs: 8, 10, 64"),
        ({}, 1, "schedule", "training.epochs is 1; the method has 2 phases"),
    ],
)
def test_what_cannot_be_is_found_before_training(
    shop: Callable[..., Any], method: dict[str, Any], epochs: int, field: str, message: str
) -> None:
    """With what the layers have."""
    prepared = shop({**N_OF_M, **method}, training__epochs=epochs).run_context
    [problem] = prepared.method.check(
        prepared.create_network(), prepared.recipe, prepared.registry.create, prepared.architecture
    )

    assert (problem.path, problem.message) == ((field,), message)
