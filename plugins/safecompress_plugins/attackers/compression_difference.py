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

from safecompress_core.toolkit import Attacker, Evidence, PoolError
from safecompress_plugins.attackers.compression_manifest import CompressionDifferenceParams
from safecompress_plugins.attackers.known_truth import known_membership

__all__ = ["CompressionDifference", "both_answers"]

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
        self._pipeline = make_pipeline(StandardScaler(), _classifier(self._classifier, seed=seed))
        self._pipeline.fit(_rows(known), is_member.numpy())

    def score(self, evidence: Evidence) -> Tensor:
        """Probability of being a member, shape (N,)."""
        if self._pipeline is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        return torch.as_tensor(self._pipeline.predict_proba(_rows(evidence))[:, 1])


def both_answers(evidence: Evidence) -> Tensor:
    """Features of each sample, shape (N, 4C + 3).

    Posteriors of the uncompressed and of the compressed model, what the compressed model adds, and
    the one-hot label, each in the order of the uncompressed model's posteriors, largest first; then
    the loss of either model and what the compressed model adds.

    Raises:
        PoolError: if there is no uncompressed model.
    """
    if evidence.uncompressed is None:
        raise PoolError(
            "compression-difference compares with the uncompressed model, and there is none"
        )
    big, small = evidence.uncompressed, evidence.seen
    before, order = big.posteriors.sort(dim=1, descending=True, stable=True)
    after = small.posteriors.gather(1, order)
    is_label = F.one_hot(small.labels, small.classes).gather(1, order)
    losses = torch.stack([big.losses, small.losses, small.losses - big.losses], dim=1)
    return torch.cat([before, after, after - before, is_label, losses], dim=1)


def _rows(evidence: Evidence) -> NDArray[np.float64]:
    return np.asarray(both_answers(evidence), dtype=np.float64)


def _classifier(name: str, *, seed: int) -> ClassifierMixin:
    if name == "logistic":
        return LogisticRegression(max_iter=1000, class_weight="balanced", random_state=seed)
    return RandomForestClassifier(
        TREES, min_samples_leaf=SAMPLES_OF_A_LEAF, class_weight="balanced", random_state=seed
    )
