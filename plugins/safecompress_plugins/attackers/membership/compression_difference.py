"""A membership attack by somebody who holds the uncompressed model as well."""

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Attacker, Evidence, Observations, PoolError
from safecompress_plugins.attackers.known_truth import known_membership
from safecompress_plugins.attackers.membership.compression_manifest import (
    CompressionDifferenceParams,
)

__all__ = ["CompressionDifference", "answer_classifier", "both_answers", "paired_answers"]

# N samples · C classes

TREES, SAMPLES_OF_A_LEAF = 300, 20


class CompressionDifference(Attacker):
    """A classifier over what two models answer, the one before compression and the one after.

    Compression treats members and non-members differently, so that either model is a reference for
    the other. The figure is what *both* tell: on its own it says nothing of the compressed model.
    It belongs beside that of the same attack on the uncompressed model, which is handed to it twice
    in the audit of the baseline.

    Source: Li et al. 2025, "CompLeak: Deep Learning Model Compression Exacerbates Privacy Leakage",
    arXiv 2507.16872, CompLeak-SR (one compressed model and the original); losses and differences
    are added to its features.
    """

    threshold = 0.5

    def __init__(self, params: CompressionDifferenceParams) -> None:
        self._classifier = params.classifier
        self._pipeline: Pipeline | None = None

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Fit the classifier, members and non-members weighing the same.

        Raises:
            PoolError: if members or non-members are missing, or there is no uncompressed model.
        """
        is_member = known_membership(known)
        seed = int(torch.randint(2**31, (), generator=generator))
        self._pipeline = answer_classifier(self._classifier, seed=seed)
        self._pipeline.fit(_rows(known), is_member.numpy())

    def score(self, evidence: Evidence) -> Tensor:
        """Probability of being a member, shape (N,)."""
        if self._pipeline is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        return torch.as_tensor(self._pipeline.predict_proba(_rows(evidence))[:, 1])


def both_answers(evidence: Evidence) -> Tensor:
    """``paired_answers`` of the uncompressed and the compressed model.

    Raises:
        PoolError: if there is no uncompressed model.
    """
    if evidence.uncompressed is None:
        raise PoolError(
            "compression-difference compares with the uncompressed model, and there is none"
        )
    return paired_answers(evidence.uncompressed, evidence.seen)


def paired_answers(first: Observations, second: Observations) -> Tensor:
    """What two models say of the same samples, shape (N, 4C + 3).

    Posteriors of either model, what the second adds, and the one-hot label, each in the order of
    the first model's posteriors, largest first; then the loss of either and what the second adds.
    """
    before, order = first.posteriors.sort(dim=1, descending=True, stable=True)
    after = second.posteriors.gather(1, order)
    is_label = F.one_hot(second.labels, second.classes).gather(1, order)
    losses = torch.stack([first.losses, second.losses, second.losses - first.losses], dim=1)
    return torch.cat([before, after, after - before, is_label, losses], dim=1)


def answer_classifier(name: str, *, seed: int) -> Pipeline:
    """``forest`` or ``logistic`` on standardised features, all classes weighing the same."""
    return make_pipeline(StandardScaler(), _classifier(name, seed=seed))


def _rows(evidence: Evidence) -> NDArray[np.float64]:
    return np.asarray(both_answers(evidence), dtype=np.float64)


def _classifier(name: str, *, seed: int) -> ClassifierMixin:
    if name == "logistic":
        return LogisticRegression(max_iter=1000, class_weight="balanced", random_state=seed)
    return RandomForestClassifier(
        TREES, min_samples_leaf=SAMPLES_OF_A_LEAF, class_weight="balanced", random_state=seed
    )
