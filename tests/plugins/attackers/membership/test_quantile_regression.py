"""A regression of what non-members get, where mean and scale are known."""

from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.toolkit import AdversaryKnowledge, Classifier, PoolError, observe
from safecompress_plugins.attackers.membership.manifest import QuantileRegressionParams
from safecompress_plugins.attackers.membership.quantile_regression import QuantileRegression

Regression = Literal["gaussian", "quantile"]


class Wavy(nn.Module):
    """φ of label 0 is 3·a + exp(b)·sin(1000·c): to any smooth regression, c is noise."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2, 2, bias=False)
        nn.init.eye_(self.head.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        a, b, c = inputs.unbind(dim=1)
        logits = 3 * a + b.exp() * (1000 * c).sin()
        answers: Tensor = self.head(torch.stack([logits, torch.zeros_like(logits)], dim=1))
        return answers


def evidence(count: int, *, members: int = 0, seed: int = 0) -> AdversaryKnowledge:
    """Wavy samples, all of label 0; the first ones are members."""
    inputs = torch.rand(count, 3, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    seen = observe(Classifier(Wavy()), inputs, torch.zeros(count, dtype=torch.int64))
    return AdversaryKnowledge(seen=seen, truth=torch.arange(count) < members, values=2)


def fitted(known: AdversaryKnowledge, regression: Regression = "gaussian") -> QuantileRegression:
    """After learning from what is known."""
    attacker = QuantileRegression(QuantileRegressionParams(regression=regression))
    attacker.fit(known, generator=torch.Generator())
    return attacker


@pytest.mark.parametrize(("regression", "at_least"), [("gaussian", 0.98), ("quantile", 0.8)])
def test_what_inputs_explain_is_taken_away_in_mean_and_in_scale(
    regression: Regression, at_least: float
) -> None:
    """What is left is the noise, in the same unit for every sample."""
    asked = evidence(500, seed=1)
    noise = (1000 * asked.seen.inputs[:, 2]).sin()

    scores = fitted(evidence(2000), regression).score(replace(asked, truth=None))

    def correlation(values: Tensor) -> float:
        return float(torch.corrcoef(torch.stack([values.float(), noise]))[0, 1])

    assert correlation(scores) > at_least
    assert correlation(asked.seen.logits[:, 0]) < 0.6  # before, a and b drown it


def test_members_are_not_learned_from() -> None:
    """Two pools with the same non-members and different members give the same scores."""
    one = evidence(300, members=100)
    inputs = one.seen.inputs.clone()
    inputs[:100] += 1
    other = observe(Classifier(Wavy()), inputs, one.seen.labels)
    asked = evidence(50, seed=1)

    scores = [fitted(known).score(asked) for known in (one, replace(one, seen=other))]

    assert torch.equal(*scores)


def test_a_statistic_that_does_not_vary_is_no_trouble() -> None:
    """Then there is no scale, and everyone gets what was expected."""
    flat = Classifier(nn.Linear(3, 2))
    for parameter in flat.parameters():
        nn.init.zeros_(parameter)
    inputs = torch.rand(40, 3, generator=torch.Generator().manual_seed(0))
    seen = observe(flat, inputs, torch.zeros(40, dtype=torch.int64))
    known = AdversaryKnowledge(seen=seen, truth=torch.arange(40) < 20, values=2)

    for regression in ("gaussian", "quantile"):
        scores = fitted(known, regression).score(replace(known, truth=None))
        torch.testing.assert_close(scores, torch.zeros(40).double())


def test_too_few_non_members_are_an_error_with_both_numbers() -> None:
    """A regression on a handful of samples would say nothing."""
    with pytest.raises(PoolError, match="needs 8 non-members in attack-train; it has 7"):
        fitted(evidence(20, members=13))
