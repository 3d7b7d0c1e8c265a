"""The adversary that is worked against."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn, tensor
from torch.nn import functional as F

from safecompress_core.toolkit import PoolError, Step
from safecompress_plugins.defences.manifest import GradientReversalParams
from safecompress_plugins.defences.training.gradient_reversal import (
    GradientReversal,
    reverse_gradient,
)

DIGITS = tensor([0, 1, 2, 1])


def prepared(weight: float, *, seed: int = 0) -> GradientReversal:
    """A defence against a probe for a digit with three values, from two hidden units."""
    params = GradientReversalParams(attribute="digit", weight=weight, hidden=16)
    defence = GradientReversal(params)
    defence.prepare(
        representation=2,
        classes=2,
        attributes={"digit": 3},
        generator=torch.Generator().manual_seed(seed),
    )
    return defence


def representation() -> Tensor:
    """Of four samples, two hidden units each."""
    return torch.randn(4, 2, generator=torch.Generator().manual_seed(3)).requires_grad_()


def adversary_loss(
    defence: GradientReversal, hidden: Tensor, make_step: Callable[..., Step]
) -> Tensor:
    """The loss of a step whose cross-entropy counts for nothing."""
    step = make_step(
        torch.zeros(4, 2),
        torch.zeros(4, dtype=torch.int64),
        representation=hidden,
        attributes={"digit": DIGITS},
    )
    return defence.loss(step, tensor(0.0))


def test_the_gradient_is_turned_round_and_scaled() -> None:
    """Values pass unchanged; −weight times the gradient comes back."""
    values = tensor([1.0, 2.0], requires_grad=True)
    passed = reverse_gradient(values, 0.3)
    (passed * tensor([1.0, 10.0])).sum().backward()

    assert torch.equal(passed, values)
    assert values.grad is not None
    torch.testing.assert_close(values.grad, tensor([-0.3, -3.0]))


@pytest.mark.parametrize("weight", [0.0, 0.3, 2.0])
def test_the_representation_gets_minus_weight_times_the_probes_gradient(
    make_step: Callable[..., Step], weight: float
) -> None:
    """Against the same adversary without reversal; weight 0 leaves the representation untouched."""
    defence, hidden, plain = prepared(weight), representation(), representation()
    adversary_loss(defence, hidden, make_step).backward()
    own = [p.grad.clone() for p in defence.parameters() if p.grad is not None]
    defence.zero_grad()
    F.cross_entropy(defence.adversary(plain), DIGITS).backward()

    assert hidden.grad is not None
    assert plain.grad is not None
    torch.testing.assert_close(hidden.grad, -weight * plain.grad)
    for reversed_, direct in zip(own, defence.parameters(), strict=True):
        torch.testing.assert_close(reversed_, direct.grad)


def test_the_adversary_learns_and_the_representation_denies(
    make_step: Callable[..., Step],
) -> None:
    """With weight 0 the probe's loss falls far; against a representation that moves it cannot."""

    def final_loss(weight: float) -> float:
        torch.manual_seed(0)
        defence, inputs = prepared(weight), torch.eye(4)
        encoder = nn.Linear(4, 2)
        with torch.no_grad():
            encoder.weight.normal_(generator=torch.Generator().manual_seed(1))
            encoder.bias.zero_()
        optimizer = torch.optim.SGD([*defence.parameters(), *encoder.parameters()], lr=0.1)
        for _ in range(500):
            optimizer.zero_grad()
            loss = adversary_loss(defence, encoder(inputs), make_step)
            loss.backward()
            optimizer.step()
        return loss.item()

    with torch.random.fork_rng():
        assert final_loss(0.0) < 0.3
        assert final_loss(1.0) > 0.9  # guessing by frequency, 1/4 · 1/2 · 1/4, costs 1.04


def test_the_adversary_is_drawn_from_the_generator() -> None:
    """The same seed gives the same adversary; another seed another one."""
    first, same, other = prepared(0.1, seed=1), prepared(0.1, seed=1), prepared(0.1, seed=2)

    assert torch.equal(first.adversary[0].weight, same.adversary[0].weight)
    assert not torch.equal(first.adversary[0].weight, other.adversary[0].weight)


def test_an_unknown_attribute_names_those_that_are_there() -> None:
    """The message says what to write instead."""
    defence = GradientReversal(GradientReversalParams(attribute="age"))

    with pytest.raises(PoolError, match="no attribute 'age'; there are: digit, session"):
        defence.prepare(
            representation=2,
            classes=2,
            attributes={"session": 14, "digit": 10},
            generator=torch.Generator(),
        )
