"""A membership attack by somebody who holds several compressed versions of one model."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline
from torch import Tensor

from safecompress_core.toolkit import Attacker, Evidence, Observations, PoolError
from safecompress_plugins.attackers.known_truth import known_membership
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
    """Attacks on pairs of models, and a logistic regression over what they say.

    One model, the uncompressed one or else the one that is attacked, is compared with each of the
    others as ``compression-difference`` does. A logistic regression then reads these K answers and
    the losses of all M models. So that it does not learn from answers that were learned by heart,
    those of attack-train are each given by a classifier that was fitted without the sample.

    The figure is what all versions tell together, and says nothing of one of them on its own. Where
    a run ends with a single version, and in the audit of the uncompressed model, there are no
    others to compare with: then the pair is all it has, or the one model twice.

    Source: Li et al. 2025, "CompLeak: Deep Learning Model Compression Exacerbates Privacy Leakage",
    arXiv 2507.16872, CompLeak-MR with or without the original model; their network over answers and
    losses is a logistic regression here, since attack-train is small.
    """

    threshold = 0.5

    def __init__(self, params: CompressionVersionsParams) -> None:
        self._params = params
        self._pairs: list[Pipeline] = []  # K
        self._all: Pipeline | None = None

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Fit both stages, members and non-members weighing the same.

        Raises:
            PoolError: if there are fewer than two members or two non-members to learn from.
        """
        is_member = known_membership(known).numpy()
        fewest = min(int(is_member.sum()), int((~is_member).sum()))
        if fewest < 2:
            raise PoolError("compression-versions learns from 2 members and 2 non-members at least")
        seed = int(torch.randint(2**31, (), generator=generator))
        folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
        rows = self._rows(known)
        self._pairs = [answer_classifier(self._params.classifier, seed=seed) for _ in rows]
        answers = [
            cross_val_predict(pair, one, is_member, cv=folds, method="predict_proba")[:, 1]
            for pair, one in zip(self._pairs, rows, strict=True)
        ]
        for pair, one in zip(self._pairs, rows, strict=True):
            pair.fit(one, is_member)
        self._all = answer_classifier("logistic", seed=seed)
        self._all.fit(self._together(answers, known), is_member)
        self.remarks = {"versions": 1 + len(known.versions)}

    def score(self, evidence: Evidence) -> Tensor:
        """Probability of being a member, shape (N,)."""
        if self._all is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        answers = [
            pair.predict_proba(one)[:, 1]
            for pair, one in zip(self._pairs, self._rows(evidence), strict=True)
        ]
        together = self._together(answers, evidence)
        return torch.as_tensor(self._all.predict_proba(together)[:, 1])

    def _models(self, evidence: Evidence) -> tuple[Observations, list[Observations]]:
        """The model that is compared, and those that it is compared with."""
        compressed = [evidence.seen, *evidence.versions]
        if self._params.with_uncompressed and evidence.uncompressed is not None:
            return evidence.uncompressed, compressed
        return evidence.seen, list(evidence.versions) or [evidence.seen]

    def _rows(self, evidence: Evidence) -> list[Floats]:
        first, others = self._models(evidence)
        return [np.asarray(paired_answers(first, one), dtype=np.float64) for one in others]

    def _together(self, answers: list[Floats], evidence: Evidence) -> Floats:
        """Answers of the pairs and losses of the models, shape (N, K + M)."""
        first, others = self._models(evidence)
        losses = [one.losses.double().numpy() for one in (first, *others)]
        return np.stack([*answers, *losses], axis=1)
