"""ADMM, held against steps worked out by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn, tensor

from safecompress_core.networks.classifier import Classifier
from safecompress_core.training.defence import Batch, Step
from safecompress_plugins.methods.mia_pruning import AugmentedLagrangian


def step_at(weights: Tensor) -> Step:
    """A training step that stands at these weights; all else is of no matter."""
    batch = Batch(inputs=torch.zeros(1, 4), labels=torch.zeros(1, dtype=torch.long), attributes={})
    nothing = torch.zeros(1, 1)
    return Step(
        batch=batch,
        logits=nothing,
        representation=nothing,
        losses=torch.zeros(1),
        epoch=0,
        weights={"w": weights},
        network=Classifier(nn.Linear(4, 1)),
    )


def test_penalty_and_updates_are_those_of_the_paper() -> None:
    """Two of four weights are to be kept.

    Z₀ = Π(3, −1, ½, 2) = (3, 0, 0, 2) and U₀ = 0, so the penalty at W₀ is ρ/2 · (1 + ¼). After
    training has come to W₁ = (2.5, −0.8, 0.4, 2.2): Z₁ = (2.5, 0, 0, 2.2), U₁ = (0, −0.8, 0.4, 0).
    At W₂ = (2.4, −1.7, 0.2, 2.0): W₂ + U₁ = (2.4, −2.5, 0.6, 2.0), so Z₂ = (2.4, −2.5, 0, 0) and
    U₂ = U₁ + W₂ − Z₂ = (0, 0, 0.6, 2.0).
    """
    weights = tensor([3.0, -1.0, 0.5, 2.0], requires_grad=True)
    admm = AugmentedLagrangian({"w": weights}, rho=0.2, density=0.5, scope="global")

    loss = admm.loss(step_at(weights), tensor(7.0))
    loss.backward()
    assert loss.item() == pytest.approx(7 + 0.1 * 1.25)
    torch.testing.assert_close(weights.grad, 0.2 * tensor([0.0, -1.0, 0.5, 0.0]))

    first = tensor([2.5, -0.8, 0.4, 2.2])
    residual = admm.update({"w": first})
    assert residual == pytest.approx((0.64 + 0.16) ** 0.5 / (6.25 + 0.64 + 0.16 + 4.84) ** 0.5)
    torch.testing.assert_close(admm.sparse["w"], tensor([2.5, 0.0, 0.0, 2.2]))
    torch.testing.assert_close(admm.dual["w"], tensor([0.0, -0.8, 0.4, 0.0]))
    # ρ/2 · ‖W − Z + U‖² at W₁ is ρ/2 · (1.6² + 0.8²)
    assert admm.loss(step_at(first), tensor(0.0)).item() == pytest.approx(0.1 * 3.2)

    admm.update({"w": tensor([2.4, -1.7, 0.2, 2.0])})
    torch.testing.assert_close(admm.sparse["w"], tensor([2.4, -2.5, 0.0, 0.0]))
    torch.testing.assert_close(admm.dual["w"], tensor([0.0, 0.0, 0.6, 2.0]))


def test_the_stronger_the_pull_the_sparser_the_network_before_it_is_pruned(
    shop: Callable[..., Any],
) -> None:
    """The residual is the share of the weights' norm that projection would take away."""
    last = {}
    for rho in (1e-6, 0.1):
        method = {"type": "mia-pruning", "density": 0.3, "rho": rho, "update_every": 3}
        phases = shop(method, f"rho-{rho}", training__epochs=24).run().phases
        residuals = phases[1]["residuals"]
        assert [one["epoch"] for one in residuals] == [9, 12, 15, 18]
        last[rho] = residuals[-1]["residual"]

    assert last[0.1] < 0.5 * last[1e-6]
