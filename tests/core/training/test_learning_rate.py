"""The learning rate over training, held against torch's own schedulers."""

import math

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR

from safecompress_core.training.learning_rate import CONSTANT, LearningRate

STEPS, WARM = 40, 10


def optimizer() -> torch.optim.Optimizer:
    """With a learning rate of 1."""
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


def rates(optimizer: torch.optim.Optimizer, scheduler: LRScheduler) -> list[float]:
    """What a scheduler of torch sets for each step."""
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def ours(rate: LearningRate) -> list[float]:
    """The factor at each step."""
    return [rate.at(step / STEPS) for step in range(STEPS)]


def test_cosine_is_that_of_torch() -> None:
    """From 1 to 0 without a warm-up."""
    one = optimizer()

    expected = rates(one, CosineAnnealingLR(one, STEPS))
    assert ours(LearningRate(shape="cosine")) == pytest.approx(expected, abs=1e-9)


def test_linear_is_that_of_torch() -> None:
    """From 1 to 0 in a straight line."""
    one = optimizer()

    expected = rates(one, LinearLR(one, 1.0, 0.0, STEPS))
    assert ours(LearningRate(shape="linear")) == pytest.approx(expected, abs=1e-9)


def test_a_warm_up_comes_first_and_the_schedule_fills_the_rest() -> None:
    """A quarter of training in a straight line from 0, then a cosine over the others."""
    one = optimizer()
    warming = LinearLR(one, 1e-12, 1.0, WARM)
    cooling = CosineAnnealingLR(one, STEPS - WARM)
    expected = rates(one, SequentialLR(one, [warming, cooling], [WARM]))

    found = ours(LearningRate(shape="cosine", warmup=WARM / STEPS))
    assert found == pytest.approx(expected, abs=1e-9)
    assert found[0] == 0
    assert found[WARM] == 1


def test_constant_is_constant() -> None:
    """Exactly 1, at the start, at the end and beyond."""
    assert [CONSTANT.at(progress) for progress in (0, 0.3, 1, math.inf)] == [1.0] * 4
