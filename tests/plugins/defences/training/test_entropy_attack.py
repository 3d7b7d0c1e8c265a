"""Entropy regularisation, re1 and re2."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import tensor

from safecompress_core.toolkit import Step
from safecompress_plugins.defences.manifest import EntropyRegularisationParams
from safecompress_plugins.defences.training.entropy import EntropyRegularisation

HALF = math.log(2)  # entropy of a coin, in nats
QUARTER = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))

# posteriors (1/2, 1/2) and (1/4, 3/4); the second sample is misclassified
LOGITS = [[0.0, 0.0], [0.0, math.log(3)]]
LABELS = [0, 0]


@pytest.mark.parametrize(
    ("on", "entropy"), [("all", (HALF + QUARTER) / 2), ("misclassified", QUARTER)]
)
def test_entropy_is_subtracted(make_step: Callable[..., Step], on: str, entropy: float) -> None:
    """re1 averages over the batch, re2 over the misclassified samples alone (by hand)."""
    step = make_step(tensor(LOGITS), tensor(LABELS))
    defence = EntropyRegularisation(
        EntropyRegularisationParams.model_validate({"on": on, "weight": 0.4})
    )

    assert defence.loss(step, tensor(1.0)).item() == pytest.approx(1 - 0.4 * entropy)


@pytest.mark.parametrize("on", ["all", "misclassified"])
def test_descent_makes_answers_less_sure(make_step: Callable[..., Step], on: str) -> None:
    """The regulariser's gradient step raises the entropy."""
    logits = tensor(LOGITS[1:], requires_grad=True)
    defence = EntropyRegularisation(
        EntropyRegularisationParams.model_validate({"on": on, "weight": 1.0})
    )

    defence.loss(make_step(logits, tensor([0])), tensor(0.0)).backward()

    assert logits.grad is not None
    before, after = logits.softmax(1), (logits - 0.1 * logits.grad).softmax(1)
    assert -(after * after.log()).sum() > -(before * before.log()).sum()


def test_an_all_correct_batch_adds_nothing(make_step: Callable[..., Step]) -> None:
    """re2 of an empty set is 0 and passes a gradient of 0, not NaN."""
    logits = tensor([[3.0, 0.0], [0.0, 3.0]], requires_grad=True)
    defence = EntropyRegularisation(EntropyRegularisationParams(on="misclassified", weight=0.5))

    loss = defence.loss(make_step(logits, tensor([0, 1])), logits.sum() * 0 + 1)
    loss.backward()

    assert loss.item() == 1
    assert logits.grad is not None
    assert torch.equal(logits.grad, torch.zeros(2, 2))


def test_certain_answers_have_no_entropy(make_step: Callable[..., Step]) -> None:
    """A posterior of exactly 0 contributes 0, not NaN."""
    step = make_step(tensor([[0.0, 1e4]]), tensor([0]))

    assert (
        EntropyRegularisation(EntropyRegularisationParams(on="all", weight=1.0))
        .loss(step, tensor(2.0))
        .item()
        == 2
    )
