"""Attacks beside implementations that are not ours, on a real model."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_curve
from sklearn.tree import DecisionTreeClassifier

from safecompress import audit
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(10, max_depth=8, random_state=0),
        LogisticRegression(max_iter=50, tol=0.1),
        DecisionTreeClassifier(max_depth=9, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_an_audit_of_a_scikit_learn_classifier_is_that_of_the_adversarial_robustness_toolbox(
    model: Any, tmp_path: Path
) -> None:
    """Of `safecompress.audit`, record by record: its rule-based attack, and its accuracy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inference = pytest.importorskip("art.attacks.inference.membership_inference")
        classification = pytest.importorskip("art.estimators.classification")
    inputs, labels = load_digits(return_X_y=True)
    generator = np.random.default_rng(0)
    # Every fifth label is drawn anew, so that none of the models is right about all others.
    labels = np.where(generator.random(len(labels)) < 0.2, generator.permutation(labels), labels)
    model.fit(inputs[:900], labels[:900])
    result = audit(
        model,
        members=(inputs[:900], labels[:900]),
        non_members=(inputs[900:], labels[900:]),
        attackers=["gap"],
        runs_dir=tmp_path,
        overrides={"audit.accept_shift": True},
    )

    records = result.frame("records")
    rows, is_member = records.position.to_numpy(), records.member.to_numpy()
    rule = inference.MembershipInferenceBlackBoxRuleBased(classification.SklearnClassifier(model))
    theirs = rule.infer(inputs[rows], labels[rows]).astype(bool)

    assert (records.score.to_numpy() > 0.5).tolist() == theirs.tolist()
    accuracy = balanced_accuracy_score(is_member, theirs)
    assert result.results.audit["gap"].accuracy == pytest.approx(accuracy)
    assert accuracy > 0.52


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
