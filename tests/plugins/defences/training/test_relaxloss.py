"""RelaxLoss against its algorithm."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Step
from safecompress_plugins.defences.manifest import RelaxLossParams
from safecompress_plugins.defences.training.relaxloss import RelaxLoss, flatten_labels

# posteriors (1/2, 1/4, 1/4) and (1/8, 3/4, 1/8), both right
LOGITS = [[math.log(4), math.log(2), math.log(2)], [math.log(1), math.log(6), math.log(1)]]
LABELS = [0, 1]
CROSS_ENTROPY = (math.log(2) + math.log(4 / 3)) / 2


def gradient(make_step: Callable[..., Step], *, target: float, epoch: int) -> Tensor:
    """Gradient of the relaxed loss with respect to the logits."""
    logits = tensor(LOGITS, requires_grad=True)
    step = make_step(logits, tensor(LABELS), epoch=epoch)
    RelaxLoss(RelaxLossParams(target=target)).loss(step, step.losses.mean()).backward()
    assert logits.grad is not None
    return logits.grad


def cross_entropy_gradient() -> Tensor:
    """(p − onehot(y)) / B."""
    logits = tensor(LOGITS)
    return (logits.softmax(1) - F.one_hot(tensor(LABELS), 3)) / 2


@pytest.mark.parametrize("epoch", [0, 1, 2])
@pytest.mark.parametrize("target", [0.0, CROSS_ENTROPY - 0.01])
def test_over_the_target_nothing_changes(
    make_step: Callable[..., Step], epoch: int, target: float
) -> None:
    """Ordinary descent until the target is reached; a target of 0 never is."""
    step = make_step(tensor(LOGITS), tensor(LABELS), epoch=epoch)
    loss = step.losses.mean()

    assert RelaxLoss(RelaxLossParams(target=target)).loss(step, loss) is loss


@pytest.mark.parametrize("epoch", [0, 4])
def test_under_the_target_even_epochs_ascend(make_step: Callable[..., Step], epoch: int) -> None:
    """The gradient is that of the cross-entropy, turned round."""
    torch.testing.assert_close(
        gradient(make_step, target=1.0, epoch=epoch), -cross_entropy_gradient()
    )


@pytest.mark.parametrize("epoch", [1, 5])
def test_under_the_target_odd_epochs_flatten(make_step: Callable[..., Step], epoch: int) -> None:
    """The gradient is (p − t) / B for soft labels t worked out by hand.

    The first sample's posteriors are flat already, (1/2, 1/4, 1/4); so are the second's.
    """
    flat = gradient(make_step, target=1.0, epoch=epoch)

    torch.testing.assert_close(flat, torch.zeros(2, 3), atol=1e-7, rtol=0)


def test_flattening_evens_out_the_wrong_classes_and_keeps_the_right_one(
    make_step: Callable[..., Step],
) -> None:
    """Posteriors (1/2, 3/8, 1/8) have soft label (1/2, 1/4, 1/4) and gradient (0, 1/8, −1/8)."""
    posteriors = tensor([[1 / 2, 3 / 8, 1 / 8]])
    logits = posteriors.log().requires_grad_()
    step = make_step(logits, tensor([0]), epoch=1)

    loss = RelaxLoss(RelaxLossParams(target=1.0)).loss(step, step.losses.mean())
    loss.backward()

    torch.testing.assert_close(
        flatten_labels(posteriors.log(), tensor([0])), tensor([[1 / 2, 1 / 4, 1 / 4]])
    )
    by_hand = math.log(2) / 2 + math.log(8 / 3) / 4 + math.log(8) / 4
    assert loss.item() == pytest.approx(by_hand)
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, tensor([[0.0, 1 / 8, -1 / 8]]))


def test_what_other_defences_added_stays(make_step: Callable[..., Step]) -> None:
    """Only the cross-entropy term is relaxed: |L − target| and a constant, plus the other term."""
    step = make_step(tensor(LOGITS), tensor(LABELS), epoch=0)

    loss = RelaxLoss(RelaxLossParams(target=1.0)).loss(step, step.losses.mean() + 5)

    assert loss.item() == pytest.approx(2 - CROSS_ENTROPY + 5)


def test_training_stays_at_the_target(make_step: Callable[..., Step]) -> None:
    """Descending on the relaxed loss, free logits end at the target and not at 0."""
    logits = torch.randn(20, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels = torch.arange(20) % 5
    defence = RelaxLoss(RelaxLossParams(target=0.5))
    optimizer = torch.optim.SGD([logits], lr=1.0)
    for epoch in range(400):
        optimizer.zero_grad()
        step = make_step(logits, labels, epoch=epoch)
        defence.loss(step, step.losses.mean()).backward()
        optimizer.step()

    assert F.cross_entropy(logits, labels).item() == pytest.approx(0.5, abs=0.05)
