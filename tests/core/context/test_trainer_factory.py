"""The recipe of a run's training."""

from collections.abc import Callable

import pytest
import torch

from safecompress_core.context.run_context import RunContext

Prepare = Callable[..., RunContext]


@pytest.mark.parametrize(
    ("optimizer", "kind"), [("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)]
)
def test_the_recipe_is_the_training_section(prepare: Prepare, optimizer: str, kind: type) -> None:
    """Optimizer, its decay and its momentum, epochs and learning rate."""
    training = {
        "epochs": 9,
        "optimizer": optimizer,
        "learning_rate": 0.5,
        "momentum": 0.3,
        "weight_decay": 0.01,
    }
    recipe = prepare(training=training).recipe

    made = recipe.optimizer([torch.nn.Parameter(torch.ones(1))], 0.25)

    assert (recipe.epochs, recipe.learning_rate) == (9, 0.5)
    assert isinstance(made, kind)
    [group] = made.param_groups
    assert (group["lr"], group["weight_decay"]) == (0.25, 0.01)
    assert group.get("momentum") == (0.3 if optimizer == "sgd" else None)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_optimizers_are_fused_where_torch_has_that(prepare: Prepare, optimizer: str) -> None:
    """On the processor, for one; torch refuses fused optimizers for other devices."""
    make = prepare(training={"optimizer": optimizer}).recipe.optimizer

    fused = {
        device: make([torch.nn.Parameter(torch.ones(1, device=device))], 0.25).defaults["fused"]
        for device in ("cpu", "meta")
    }

    assert fused == {"cpu": True, "meta": None}
