"""Attacks beside implementations that are not ours, on a real model."""

import warnings
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, roc_curve

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, calibrate_threshold
from safecompress_plugins.attackers.membership.confidence import Confidence
from safecompress_plugins.attackers.membership.entropy_attack import EntropyAttack
from safecompress_plugins.attackers.membership.gap import Gap
from safecompress_plugins.attackers.membership.gradient_norm import GradientNorm
from safecompress_plugins.attackers.membership.loss_threshold import LossThreshold
from safecompress_plugins.attackers.membership.manifest import (
    ConfidenceParams,
    EntropyAttackParams,
    GapParams,
    GradientNormParams,
    LossThresholdParams,
    ModifiedEntropyParams,
    PopulationParams,
    QuantileRegressionParams,
)
from safecompress_plugins.attackers.membership.modified_entropy import ModifiedEntropy
from safecompress_plugins.attackers.membership.population import Population
from safecompress_plugins.attackers.membership.quantile_regression import QuantileRegression


class Leaky(Protocol):
    known: AdversaryKnowledge
    pool: AdversaryKnowledge


def truth_of(knowledge: AdversaryKnowledge) -> NDArray[np.bool_]:
    """Who is a member."""
    assert knowledge.truth is not None
    return knowledge.truth.numpy()


def test_the_gap_attack_is_that_of_the_adversarial_robustness_toolbox(leaky: Leaky) -> None:
    """Sample by sample; its balanced accuracy is ½ (1 + training accuracy − test accuracy)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that it looks for
        inference = pytest.importorskip("art.attacks.inference.membership_inference")
        classification = pytest.importorskip("art.estimators.classification")
    seen, is_member = leaky.pool.seen, truth_of(leaky.pool)
    model = classification.BlackBoxClassifier(
        lambda inputs: seen.query(torch.as_tensor(inputs)).numpy(),
        input_shape=(64,),
        nb_classes=14,
    )
    theirs = inference.MembershipInferenceBlackBoxRuleBased(model).infer(
        seen.inputs.numpy(), seen.labels.numpy()
    )

    attacker = Gap(GapParams())
    attacker.fit(leaky.known, generator=torch.Generator())
    ours = attacker.score(replace(leaky.pool, truth=None)) > attacker.threshold

    is_right = (seen.predictions == seen.labels).double().numpy()
    expected = (1 + is_right[is_member].mean() - is_right[~is_member].mean()) / 2
    assert ours.tolist() == theirs.astype(bool).tolist()
    assert balanced_accuracy_score(is_member, theirs) == pytest.approx(expected)
    assert expected > 0.7


@pytest.mark.parametrize(
    "attacker",
    [
        Confidence(ConfidenceParams()),
        EntropyAttack(EntropyAttackParams()),
        GradientNorm(GradientNormParams()),
        LossThreshold(LossThresholdParams()),
        ModifiedEntropy(ModifiedEntropyParams()),
        Population(PopulationParams()),
        QuantileRegression(QuantileRegressionParams()),
    ],
    ids=lambda attacker: type(attacker).__name__,
)
def test_thresholds_are_the_best_point_of_scikit_learns_roc(
    attacker: Attacker, leaky: Leaky
) -> None:
    """On attack-train, where they are chosen, none has a higher balanced accuracy."""
    attacker.fit(leaky.known, generator=torch.Generator())
    scores = attacker.score(replace(leaky.known, truth=None)).numpy()
    is_member: Any = truth_of(leaky.known)

    said = scores > calibrate_threshold(scores, is_member)

    fpr, tpr, _ = roc_curve(is_member, scores)
    best = ((tpr + 1 - fpr) / 2).max()
    assert balanced_accuracy_score(is_member, said) == pytest.approx(best)
    assert best > 0.6
