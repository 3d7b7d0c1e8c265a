"""Projected gradient ascent, held against foolbox's on the same model from the same start."""

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from safecompress_core.toolkit import Batch, Classifier, DefenceInputs
from safecompress_plugins.defences.training.adversarial_training import AdversarialTraining
from safecompress_plugins.defences.training.manifest import AdversarialTrainingParams

UNIT = (torch.zeros(()), torch.ones(()))


def network() -> Classifier:
    """64 → 16 → 10 with dropout, always the same."""
    layers = [nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Dropout(0.5), nn.Linear(16, 10)]
    made = Classifier(nn.Sequential(*layers))
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.uniform_(-0.5, 0.5, generator=generator)
    return made


def digits(count: int = 60) -> Batch:
    """Real images in [0, 1]."""
    loaded: Any = load_digits()
    images = torch.as_tensor(loaded.images[:count], dtype=torch.float32)[:, None] / 16
    return Batch(inputs=images, labels=torch.as_tensor(loaded.target[:count]), attributes={})


def defence(bounds: tuple[Tensor, Tensor] | None = UNIT, **params: Any) -> AdversarialTraining:
    """Equipped."""
    made = AdversarialTraining(AdversarialTrainingParams(**params))
    made.equip(DefenceInputs(bounds=bounds))
    return made


@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.15), ("l2", 1.0)])
def test_samples_are_moved_as_foolbox_moves_them(norm: str, epsilon: float) -> None:
    """Ten steps from the same point, on the plain model; to rounding."""
    batch, model, ours = digits(), network(), defence(norm=norm, epsilon=epsilon, steps=10)
    length, generator = 2.5 * epsilon / 10, torch.Generator().manual_seed(3)
    start = torch.clamp(
        batch.inputs + ours._start(batch.inputs, torch.Generator().manual_seed(3)), 0, 1
    )

    foolbox = pytest.importorskip("foolbox", reason="the extra 'attacks' is not installed")
    kinds = {
        "linf": foolbox.attacks.LinfProjectedGradientDescentAttack,
        "l2": foolbox.attacks.L2ProjectedGradientDescentAttack,
    }

    class FromThere(kinds[norm]):  # type: ignore[misc]
        def get_random_start(self, x0: Any, epsilon: float) -> Any:
            return x0 + (x0.__class__(start) - x0)

    attack = FromThere(steps=10, abs_stepsize=length, random_start=True)
    expected = attack.run(
        foolbox.PyTorchModel(model.eval(), bounds=(0, 1), device="cpu"),
        batch.inputs,
        foolbox.criteria.Misclassification(batch.labels),
        epsilon=epsilon,
    )
    model.train()
    moved = ours.challenge(batch, model, generator=generator).inputs

    torch.testing.assert_close(moved, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("bounds", [None, UNIT])
def test_moved_samples_stay_in_ball_and_range_and_are_harder(
    norm: str, bounds: tuple[Tensor, Tensor] | None
) -> None:
    """The mean loss rises, far more than by a step of noise; the model keeps mode and gradients."""
    batch, model = digits(), network()
    ours = defence(bounds, norm=norm, epsilon=0.2, steps=5)
    order = torch.inf if norm == "linf" else 2

    moved = ours.challenge(batch, model, generator=torch.Generator().manual_seed(0)).inputs

    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not moved.requires_grad
    change = (moved - batch.inputs).flatten(1)
    assert torch.linalg.vector_norm(change, ord=order, dim=1).max() <= 0.2 + 1e-6
    outside = ((moved < 0) | (moved > 1)).any()
    assert bool(outside) == (bounds is None)
    model.eval()
    noise = batch.inputs + ours._start(batch.inputs, torch.Generator().manual_seed(0))
    losses = [
        nn.functional.cross_entropy(model(inputs), batch.labels).item()
        for inputs in (batch.inputs, noise, moved)
    ]
    assert losses[2] > losses[0] + 5 * abs(losses[1] - losses[0])


@pytest.mark.parametrize(("norm", "radius"), [("linf", 0.2), ("l2", 0.2)])
def test_starts_fill_the_ball(norm: str, radius: float) -> None:
    """In two dimensions half of the l2 starts lie beyond r/√2, half of the linf ones beyond it."""
    ours = defence(norm=norm, epsilon=radius)
    starts = ours._start(torch.zeros(4000, 2), torch.Generator().manual_seed(0))
    order = torch.inf if norm == "linf" else 2
    lengths = torch.linalg.vector_norm(starts, ord=order, dim=1)

    assert lengths.max() <= radius + 1e-6
    assert lengths.median().item() == pytest.approx(radius / 2**0.5, rel=0.03)
    assert starts.mean(dim=0).abs().max() < 0.01
