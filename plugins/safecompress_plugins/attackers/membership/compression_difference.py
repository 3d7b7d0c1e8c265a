"""Membership attack by an adversary with the compressed and the uncompressed model."""

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

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, Observations, PoolError
from safecompress_plugins.attackers.known_truth import require_membership
from safecompress_plugins.attackers.membership.compression_manifest import (
    CompressionDifferenceParams,
)

__all__ = ["CompressionDifference", "answer_classifier", "both_answers", "paired_answers"]

# N samples · C classes

TREES, SAMPLES_OF_A_LEAF = 300, 20  # large leaves: a forest of pure leaves memorises attack-train


class CompressionDifference(Attacker):
    """A classifier over the outputs of the uncompressed and the compressed model.

    Compression treats members and non-members differently, so either model is a reference for the
    other. The figure is the leakage of *both*: on its own it says nothing of the compressed model.
    Compare it with the same attack on the uncompressed model, which the baseline's audit gives
    twice.

    Source: Li et al. 2025, "CompLeak: Deep Learning Model Compression Exacerbates Privacy Leakage",
    arXiv 2507.16872, CompLeak-SR (one compressed model and the original); losses and differences
    are added to its features.
    """

    threshold = 0.5  # of a probability with balanced class weights

    def __init__(self, params: CompressionDifferenceParams) -> None:
        self._classifier = params.classifier
        self._pipeline: Pipeline | None = None

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Fit the classifier, with members and non-members weighted equally.

        Raises:
            PoolError: if members, non-members or the uncompressed model are missing.
        """
        is_member = require_membership(known)
        seed = int(torch.randint(2**31, (), generator=generator))
        self._pipeline = answer_classifier(self._classifier, seed=seed)
        self._pipeline.fit(_rows(known), is_member.numpy())

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the probability of membership, shape (N,)."""
        if self._pipeline is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        return torch.as_tensor(self._pipeline.predict_proba(_rows(knowledge))[:, 1])


def both_answers(knowledge: AdversaryKnowledge) -> Tensor:
    """Return ``paired_answers`` of the uncompressed and the compressed model.

    Raises:
        PoolError: if there is no uncompressed model.
    """
    if knowledge.uncompressed is None:
        raise PoolError("compression-difference needs an uncompressed model; this run has none")
    return paired_answers(knowledge.uncompressed, knowledge.seen)


def paired_answers(first: Observations, second: Observations) -> Tensor:
    """Return features of two models' outputs for the same samples, shape (N, 4C + 3).

    Posteriors of either model, their differences, and the one-hot label, each in the order of the
    first model's posteriors, largest first; then both losses and their difference.
    """
    # Sorted, so that trees learn from "the second guess" instead of from each class on its own; a
    # stable sort makes the order of equal posteriors that of the classes.
    before, order = first.posteriors.sort(dim=1, descending=True, stable=True)
    after = second.posteriors.gather(1, order)
    is_label = F.one_hot(second.labels, second.classes).gather(1, order)
    losses = torch.stack([first.losses, second.losses, second.losses - first.losses], dim=1)
    return torch.cat([before, after, after - before, is_label, losses], dim=1)


def answer_classifier(name: str, *, seed: int) -> Pipeline:
    """Build ``forest`` or ``logistic`` on standardised features, with balanced class weights."""
    return make_pipeline(StandardScaler(), _classifier(name, seed=seed))


def _rows(knowledge: AdversaryKnowledge) -> NDArray[np.float64]:
    return np.asarray(both_answers(knowledge), dtype=np.float64)


def _classifier(name: str, *, seed: int) -> ClassifierMixin:
    if name == "logistic":
        return LogisticRegression(max_iter=1000, class_weight="balanced", random_state=seed)
    return RandomForestClassifier(
        TREES, min_samples_leaf=SAMPLES_OF_A_LEAF, class_weight="balanced", random_state=seed
    )
