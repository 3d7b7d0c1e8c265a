"""Distillation, held against the formula of Hinton et al. 2015 in double precision."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from torch import nn

from safecompress_core.toolkit import Classifier, DefenceInputs, Step
from safecompress_plugins.defences.manifest import DistillationParams
from safecompress_plugins.defences.training.distillation import Distillation

MakeStep = Callable[..., Step]


def taught(teacher: Classifier, **params: float) -> Distillation:
    """The defence with a teacher."""
    defence = Distillation(DistillationParams(**params))
    defence.equip(DefenceInputs(teacher=teacher))
    return defence


@pytest.mark.parametrize(("temperature", "alpha"), [(1.0, 0.5), (4.0, 0.9), (0.5, 0.0)])
def test_the_loss_is_that_of_the_paper(
    make_step: MakeStep, temperature: float, alpha: float
) -> None:
    """(1 − α) · CE + α · T² · Σ p log(p / q), computed with scipy."""
    generator = torch.Generator().manual_seed(0)
    inputs, logits = torch.randn(2, 5, 3, generator=generator)
    teacher = Classifier(nn.Linear(3, 3))
    step = make_step(logits, torch.tensor([0, 1, 2, 0, 1]), inputs=inputs)

    loss = taught(teacher, temperature=temperature, alpha=alpha).loss(step, step.losses.mean())

    answers = teacher(inputs).detach().double().numpy() / temperature
    student = log_softmax(logits.double().numpy() / temperature, axis=1)
    p = softmax(answers, axis=1)
    divergence = (p * (np.log(p) - student)).sum(axis=1).mean()
    expected = (1 - alpha) * float(step.losses.mean()) + alpha * temperature**2 * divergence
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_the_teacher_is_asked_about_what_the_model_saw_and_is_no_part_of_it(
    make_step: MakeStep,
) -> None:
    """It has no gradient, no parameter in the optimizer, and nothing in a checkpoint."""
    teacher = Classifier(nn.Linear(3, 3))
    defence = taught(teacher, temperature=2.0, alpha=1.0)
    logits = torch.zeros(2, 3, requires_grad=True)
    step = make_step(logits, torch.tensor([0, 1]), inputs=torch.ones(2, 3))

    defence.loss(step, step.losses.mean()).backward()

    assert logits.grad is not None
    assert logits.grad.any()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert not list(defence.parameters())
    assert not defence.state_dict()
