"""Risk of records under LiRA, compared with the membership probability of SACRO-ML."""

import numpy as np
import torch
from scipy.stats import norm, spearmanr
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from safecompress_core.stats.record_risk import RiskCalibration, draw_folds
from safecompress_core.toolkit import AdversaryKnowledge, Classifier, ReferenceAnswers, observe
from safecompress_plugins.attackers.membership.lira import Lira
from safecompress_plugins.attackers.membership.reference_manifest import LiraParams

MODELS, SAMPLES = 32, 600


def digits_under_models() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities (R + 1, N, C) of models of halves of the digits, who is in, and the labels."""
    data = load_digits()
    inputs, labels = data.data[:SAMPLES], data.target[:SAMPLES]
    generator = np.random.default_rng(0)
    halves = generator.random((MODELS // 2, SAMPLES)).argsort(axis=1) < SAMPLES // 2
    is_in = np.concatenate([halves, ~halves, halves[:1] ^ (generator.random(SAMPLES) < 0.5)])
    probabilities = [
        LogisticRegression(C=1e-3, max_iter=100, tol=0.01).fit(inputs[mask], labels[mask])
        for mask in is_in
    ]
    return np.stack([one.predict_proba(inputs) for one in probabilities]), is_in, labels


def sacro_member_probability(
    target: np.ndarray, others: np.ndarray, is_in: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """``member_prob`` of LiRA's offline mode, as SACRO-ML's vulnerability matrix has it.

    Φ((φ − mean) / (std + 1e-16)) of the logit of the true label's probability among models that do
    not have the record, with numpy's standard deviation; clipped to [0, 1].

    Source: AI-SDC/SACRO-ML, commit a94060c, ``sacroml/attacks/likelihood_attack.py``
    (``_get_probabilities``, ``_save_attack_metrics``) and ``meta_attack.py``
    (``_extract_mia_scores``); written anew from the formula.
    """
    rows = np.arange(len(labels))
    logits = [np.log(p / (1 - p)) for p in (one[rows, labels] for one in (target, *others))]
    out = np.where(is_in, np.nan, np.stack(logits[1:]))
    mean, deviation = np.nanmean(out, axis=0), np.nanstd(out, axis=0)
    return np.clip(norm.cdf(logits[0], mean, deviation + 1e-16), 0, 1)


def test_records_rank_as_by_sacro_ml_and_only_ours_is_a_probability() -> None:
    """Offline LiRA on the same models: the same order of records, by another scale.

    Theirs is uniform for non-members, so that half of these are "vulnerable" at its bound of 0.5.
    """
    probabilities, is_in, labels = digits_under_models()
    target, others, is_member = probabilities[-1], probabilities[:-1], is_in[-1]
    theirs = sacro_member_probability(target, others, is_in[:-1], labels)
    logits = torch.from_numpy(np.log(probabilities)).double()
    identity = torch.nn.Linear(10, 10, bias=False).double()
    torch.nn.init.eye_(identity.weight)
    truth = torch.from_numpy(labels)
    known = AdversaryKnowledge(
        seen=observe(Classifier(identity), logits[-1], truth),
        truth=None,
        values=2,
        references=ReferenceAnswers(logits[:-1], torch.from_numpy(is_in[:-1]), truth),
    )
    lira = Lira(LiraParams(mode="offline", variance="sample"))
    lira.fit(known, generator=torch.Generator())

    ours = lira.score(known).numpy()

    assert spearmanr(ours, theirs).statistic > 0.999
    folds = draw_folds(is_member, generator=np.random.default_rng(1))
    risk = RiskCalibration.fit(ours, is_member, folds=folds).risk(ours)
    assert spearmanr(risk, theirs).statistic > 0.9
    assert abs(risk.mean() - 0.5) < 0.03
    assert ((risk - is_member) ** 2).mean() < ((theirs - is_member) ** 2).mean() - 0.02
