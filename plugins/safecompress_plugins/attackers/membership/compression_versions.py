"""Membership attack by an adversary with several compressed versions of one model."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, Observations, PoolError
from safecompress_plugins.attackers.known_truth import require_membership
from safecompress_plugins.attackers.membership.compression_difference import (
    answer_classifier,
    paired_answers,
)
from safecompress_plugins.attackers.membership.compression_manifest import CompressionVersionsParams

__all__ = ["CompressionVersions"]

# N samples · M models · K pairs of models

FOLDS = 5

Floats = NDArray[np.float64]


class CompressionVersions(Attacker):
    """Attacks on pairs of models, combined by a logistic regression.

    One model, the uncompressed one or else the attacked one, is compared with each of the others as
    ``compression-difference`` does. A logistic regression combines the K pair scores and the losses
    of all M models. Its training scores are out-of-fold, so that it does not learn from overfitted
    ones.

    The figure is the leakage of all versions together, and says nothing of any one of them. A run
    with a single version, and the audit of the uncompressed model, have no others: the attack then
    uses the one pair, or the one model twice.

    Source: Li et al. 2025, "CompLeak: Deep Learning Model Compression Exacerbates Privacy Leakage",
    arXiv 2507.16872, CompLeak-MR with or without the original model; their network over answers and
    losses is a logistic regression here, since attack-train is small.
    """

    threshold = 0.5  # of a probability with balanced class weights

    def __init__(self, params: CompressionVersionsParams) -> None:
        self._params = params
        self._pairs: list[Pipeline] = []  # K
        self._all: Pipeline | None = None

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Fit both stages, with members and non-members weighted equally.

        Raises:
            PoolError: if there are fewer than two members or two non-members.
        """
        is_member = require_membership(known).numpy()
        fewest = min(int(is_member.sum()), int((~is_member).sum()))
        if fewest < 2:
            raise PoolError("compression-versions needs at least 2 members and 2 non-members")
        seed = int(torch.randint(2**31, (), generator=generator))
        folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
        rows = self._rows(known)
        self._pairs = [answer_classifier(self._params.classifier, seed=seed) for _ in rows]
        # Out-of-fold scores train the second stage, and full fits answer for the audit pool.
        answers = [
            cross_val_predict(pair, features, is_member, cv=folds, method="predict_proba")[:, 1]
            for pair, features in zip(self._pairs, rows, strict=True)
        ]
        for pair, features in zip(self._pairs, rows, strict=True):
            pair.fit(features, is_member)
        self._all = answer_classifier("logistic", seed=seed)
        self._all.fit(self._together(answers, known), is_member)
        self.remarks = {"versions": 1 + len(known.versions)}

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the probability of membership, shape (N,)."""
        if self._all is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        answers = [
            pair.predict_proba(features)[:, 1]
            for pair, features in zip(self._pairs, self._rows(knowledge), strict=True)
        ]
        together = self._together(answers, knowledge)
        return torch.as_tensor(self._all.predict_proba(together)[:, 1])

    def _models(self, knowledge: AdversaryKnowledge) -> tuple[Observations, list[Observations]]:
        """Return the model to compare, and the models to compare it with."""
        compressed = [knowledge.seen, *knowledge.versions]
        if self._params.with_uncompressed and knowledge.uncompressed is not None:
            return knowledge.uncompressed, compressed
        # Alone, the model is compared with itself: differences of 0, so that features keep their
        # shape.
        return knowledge.seen, list(knowledge.versions) or [knowledge.seen]

    def _rows(self, knowledge: AdversaryKnowledge) -> list[Floats]:
        first, others = self._models(knowledge)
        return [np.asarray(paired_answers(first, version), dtype=np.float64) for version in others]

    def _together(self, answers: list[Floats], knowledge: AdversaryKnowledge) -> Floats:
        """Stack the pairs' scores and the models' losses, shape (N, K + M)."""
        first, others = self._models(knowledge)
        losses = [version.losses.double().numpy() for version in (first, *others)]
        return np.stack([*answers, *losses], axis=1)
