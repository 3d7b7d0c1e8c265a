"""Risk of records beside SACRO-ML's own code, on the same models.

    pip install sacroml
    OMP_NUM_THREADS=1 python benchmarks/records_sacro_ml.py

A model and 32 reference models learn which part of the file a digit is from. Scores of LiRA are
compared by rank with those of `LIRAAttack`; the probability of membership that SACRO-ML states for
each record (of `LIRAAttack` offline, and of `WorstCaseAttack`) with the calibrated risk.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sacroml.attacks.likelihood_attack import LIRAAttack
from sacroml.attacks.utils import logit
from sacroml.attacks.worst_case_attack import WorstCaseAttack
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from torch import nn

from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.reference_answers import ReferenceAnswers, assign_folds
from safecompress_core.data.predictions import check_answers, logits_of
from safecompress_core.networks.classifier import Classifier
from safecompress_core.stats.record_risk import RiskCalibration, draw_folds
from safecompress_plugins.attackers.membership.lira import Lira
from safecompress_plugins.attackers.membership.loss_threshold import LossThreshold
from safecompress_plugins.attackers.membership.manifest import LossThresholdParams
from safecompress_plugins.attackers.membership.reference_manifest import LiraParams

# R reference models · N samples · C labels

REFERENCES = 32
FLAGGED = 0.9
MODELS: dict[str, Callable[[int], Any]] = {
    "perceptron": lambda seed: MLPClassifier(
        (64,), max_iter=60, learning_rate_init=0.005, random_state=seed
    ),
    "random forest": lambda seed: RandomForestClassifier(random_state=seed),
}
MODES = {
    "offline": ({"mode": "offline", "variance": "sample"}, {"mode": "offline"}),
    "offline, one variance": (
        {"mode": "offline", "variance": "global"},
        {"mode": "offline", "fix_variance": True},
    ),
    "online": ({"variance": "sample"}, {"mode": "online-carlini"}),
}
"""Our settings of LiRA, and theirs."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def theirs(settings: dict[str, Any], answers: Floats, is_in: Bools, labels: Any) -> Floats:
    """Return ``member_prob`` of each record, (N,), from answers (R + 1, N, C), ours first."""
    rows = range(len(labels))
    sides: tuple[dict[int, list[float]], ...] = tuple({row: [] for row in rows} for _ in range(2))
    for model, mask in zip(answers[1:], is_in, strict=True):
        for row in rows:
            sides[int(mask[row])][row].append(logit(model[row, labels[row]]))
    attack = LIRAAttack(write_report=False, **settings)
    # Its public method trains the models itself; here both tools get the same ones.
    scores, _ = attack._compute_scores(labels, answers[0], *sides)  # noqa: SLF001
    return np.array(scores)[:, 1]


def known_of(answers: Floats, is_in: Bools, labels: Any) -> AdversaryKnowledge:
    """Return what our attacks see of the same answers."""
    logits = torch.stack([logits_of(model, check_answers(model, None)) for model in answers])
    identity = nn.Linear(logits.shape[2], logits.shape[2], bias=False)
    nn.init.eye_(identity.weight)
    truth = torch.from_numpy(labels)
    return AdversaryKnowledge(
        seen=observe(Classifier(identity), logits[0], truth),
        truth=None,
        values=2,
        references=ReferenceAnswers(logits[1:], torch.from_numpy(is_in), truth),
    )


def quality(risk: Floats, is_member: Bools) -> dict[str, float]:
    """Return how a probability of membership fits the truth, with equally many of both sides."""
    flagged = risk >= FLAGGED
    return {
        "AUC": float(roc_auc_score(is_member, risk)),
        "Brier score": float(((risk - is_member) ** 2).mean()),
        "non-members at 0.5": float((risk[~is_member] >= 0.5).mean()),
        "flagged members": float(flagged[is_member].mean()),
        "flagged non-members": float(flagged[~is_member].mean()),
    }


def rows_of(answers: Floats, is_in: Bools, labels: Any) -> Iterator[dict[str, Any]]:
    """Yield figures of both tools; the first model is attacked, the second has its other half."""
    is_member, asked, masks = is_in[0], np.delete(answers, 1, axis=0), is_in[2:]
    known = known_of(asked, masks, labels)
    folds = draw_folds(is_member, generator=np.random.default_rng(1))

    def risk(scores: Floats) -> Floats:
        return RiskCalibration.fit(scores, is_member, folds=folds).risk(scores)

    for mode, (ours, settings) in MODES.items():
        lira = Lira(LiraParams.model_validate(ours))
        lira.fit(known, generator=torch.Generator())
        scores, given = lira.score(known).numpy(), theirs(settings, asked, masks, labels)
        aucs = [float(roc_auc_score(is_member, one)) for one in (scores, given)]
        yield {"LiRA": mode, "rank correlation": spearmanr(scores, given).statistic, "AUC": aucs}
        if mode == "offline":
            yield {"probability": "SACRO-ML, LiRA"} | quality(given, is_member)
        if mode != "offline, one variance":
            yield {"probability": f"risk, LiRA {mode}"} | quality(risk(scores), is_member)
    worst = WorstCaseAttack(write_report=False, report_individual=True)
    worst.attack_from_preds(asked[0][is_member], asked[0][~is_member])
    found = [each["individual"] for each in worst.attack_metrics]
    given, truth = (
        np.concatenate([each[key] for each in found]) for key in ("member_prob", "member")
    )
    yield {"probability": "SACRO-ML, worst case"} | quality(given, truth.astype(bool))
    loss = LossThreshold(LossThresholdParams()).score(known).numpy()
    yield {"probability": "risk, loss-threshold"} | quality(risk(loss), is_member)


def main() -> None:
    """Print a line of JSON for each figure."""
    logging.disable(logging.INFO)
    warnings.simplefilter("ignore")  # perceptrons are stopped before they converge
    inputs = load_digits().data / 16
    labels = np.arange(len(inputs)) // 180
    is_in = assign_folds(
        torch.from_numpy(labels),
        members=len(labels) // 2,
        count=REFERENCES + 2,
        generator=torch.Generator().manual_seed(0),
    ).numpy()
    for name, make in MODELS.items():
        fitted = [make(seed).fit(inputs[mask], labels[mask]) for seed, mask in enumerate(is_in)]
        answers = np.stack([model.predict_proba(inputs) for model in fitted])
        for row in rows_of(answers, is_in, labels):
            print(json.dumps({"model": name, **row}), flush=True)


if __name__ == "__main__":
    main()
