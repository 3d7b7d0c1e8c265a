"""Pair-based posterior balancing, held against scipy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import entropy
from torch import tensor

from safecompress_core.toolkit import Step
from safecompress_plugins.defences.manifest import PairRegularisationParams
from safecompress_plugins.defences.training.pair_regularisation import PairRegularisation


def paired(weight: float) -> PairRegularisation:
    """The defence."""
    return PairRegularisation(PairRegularisationParams(weight=weight))


def test_ranked_answers_of_pairs_are_compared(make_step: Callable[..., Step]) -> None:
    """Samples 0 and 2, 1 and 3; the fifth has no partner. KL(second ‖ first), by scipy."""
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(2))
    step = make_step(logits, tensor([0, 1, 2, 3, 0]))

    loss = paired(0.5).loss(step, tensor(2.0))

    ranked = np.sort(softmax(logits.double().numpy(), axis=1), axis=1)[:, ::-1]
    divergence = np.mean([entropy(ranked[2], ranked[0]), entropy(ranked[3], ranked[1])])
    assert divergence > 0.01
    assert float(loss) == pytest.approx(2 + 0.5 * divergence, rel=1e-5)


def test_only_the_order_of_the_classes_may_differ(make_step: Callable[..., Step]) -> None:
    """The same values for other classes cost nothing."""
    logits = tensor([[3.0, 1.0, 0.0], [0.0, 3.0, 1.0]])

    loss = paired(9.0).loss(make_step(logits, tensor([0, 1])), tensor(2.0))

    assert float(loss) == pytest.approx(2.0)


def test_the_surer_one_becomes_less_sure_and_the_other_surer(
    make_step: Callable[..., Step],
) -> None:
    """The gradient goes through both sides."""
    logits = tensor([[4.0, 0.0, 0.0], [1.0, 0.0, 0.0]], requires_grad=True)
    loss = paired(1.0).loss(make_step(logits, tensor([0, 0])), tensor(0.0))

    (gradient,) = torch.autograd.grad(loss, logits)

    before, after = logits.softmax(1)[:, 0], (logits - gradient).softmax(1)[:, 0]
    assert after[0] < before[0]
    assert after[1] > before[1]
