"""Counterfactual memorisation: a model against its swap twin."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from safecompress_core.errors import PoolError
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.games.membership import MembershipGame
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import AdversaryKnowledge, Classifier, observe
from safecompress_plugins.attackers.membership.counterfactual import Counterfactual
from safecompress_plugins.attackers.membership.manifest import DEFINITIONS, CounterfactualParams

[DEFINITION] = [one for one in DEFINITIONS if one.name == "counterfactual"]


class TestConformance(AttackerConformance):
    definition = DEFINITION


def score(knowledge: AdversaryKnowledge) -> Tensor:
    """Its scores; there is nothing to fit."""
    return Counterfactual(CounterfactualParams()).score(knowledge)


def auc_of(knowledge: AdversaryKnowledge, is_member: Tensor) -> tuple[float, float, float]:
    """The AUC of its scores, with DeLong's interval."""
    result = MembershipGame(MEMBERSHIP).measure(score(knowledge), is_member, threshold=0.0)
    assert result.auc is not None
    return result.auc.value, result.auc.low, result.auc.high


def trained_on(rows: Tensor, labels: Tensor, inputs: Tensor, *, overfits: bool) -> Classifier:
    """A linear model of scikit-learn's, as a network."""
    fitted = (
        LogisticRegression(C=1e3, max_iter=2000)
        if overfits
        # In closed form, and so a hundred times as fast.
        else LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    ).fit(inputs[rows], labels[rows])
    head = nn.Linear(inputs.shape[1], len(fitted.classes_))
    with torch.no_grad():
        head.weight.copy_(torch.as_tensor(fitted.coef_))
        head.bias.copy_(torch.as_tensor(fitted.intercept_))
    return Classifier(head)


def paired(seed: int, *, swaps: bool, noisy: bool = False) -> tuple[AdversaryKnowledge, Tensor]:
    """Digits that model and twin exchanged, or, without a swap, that neither has seen."""
    generator = torch.Generator().manual_seed(seed)
    images, digits = load_digits(return_X_y=True)
    order = torch.randperm(len(digits), generator=generator)[:600]
    inputs = torch.as_tensor(images, dtype=torch.float32)[order] / 16
    labels = torch.as_tensor(digits)[order]
    if noisy:
        drawn = torch.randint(10, labels.shape, generator=generator)
        labels = torch.where(torch.rand(600, generator=generator) < 0.5, drawn, labels)
    common, left, right = torch.arange(600).split(200)
    parts = (left, right) if swaps else (common[:100], common[100:])
    models = [
        trained_on(torch.cat([common, part]), labels, inputs, overfits=noisy) for part in parts
    ]
    rows = torch.cat([left, right])
    seen, twin = (observe(model, inputs[rows], labels[rows]) for model in models)
    is_member = torch.arange(400) < 200
    return AdversaryKnowledge(seen=seen, truth=None, values=2, twin=twin), is_member


def test_the_score_is_the_difference_of_log_likelihoods() -> None:
    """By hand: log 0.5 − log 0.25, and the other way round."""
    head = nn.Linear(2, 2, bias=False)
    nn.init.eye_(head.weight)
    labels = torch.tensor([0, 1])
    seen = observe(Classifier(head), torch.tensor([[0.5, 0.5], [0.75, 0.25]]).log(), labels)
    twin = observe(Classifier(head), torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log(), labels)

    found = score(AdversaryKnowledge(seen=seen, truth=None, values=2, twin=twin))

    torch.testing.assert_close(found, torch.tensor([2.0, 0.5]).log(), check_dtype=False)


def test_an_overfitted_model_is_found_out() -> None:
    """Half of the labels are random, so what is right about them was memorised."""
    value, low, _ = auc_of(*paired(0, swaps=True, noisy=True))

    assert value > 0.9
    assert low > 0.85


def test_without_a_swap_the_interval_covers_a_coin() -> None:
    """The null control, as often as 95 % intervals shall: 94 of 100, or more."""
    covered = 0
    for seed in range(100):
        _, low, high = auc_of(*paired(seed, swaps=False))
        covered += low <= 0.5 <= high

    assert covered >= 94


def test_model_and_twin_are_exchangeable() -> None:
    """Trading them, and so the sides, gives the same AUC: the test has no direction of its own."""
    knowledge, is_member = paired(1, swaps=True)
    assert knowledge.twin is not None
    traded = replace(knowledge, seen=knowledge.twin, twin=knowledge.seen)

    there, _, _ = auc_of(knowledge, is_member)
    back, _, _ = auc_of(traded, ~is_member)

    assert np.isclose(there, back)


def test_a_model_without_a_twin_is_an_error() -> None:
    """Named with what is missing."""
    knowledge, _ = paired(1, swaps=True)

    with pytest.raises(PoolError, match="swap twin"):
        score(replace(knowledge, twin=None))
