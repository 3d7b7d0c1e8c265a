"""Base class of the attribute attackers that are a scikit-learn classifier."""

import warnings
from abc import abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker
from safecompress_plugins.attackers.attribute.manifest import AttributeClassifierParams
from safecompress_plugins.attackers.known_truth import require_attribute

__all__ = ["AttributeClassifier"]


class AttributeClassifier(Attacker):
    """A classifier from observed features to the attribute.

    Features are standardised by attack-train's mean and deviation. The classifier is fitted anew
    for every model.
    """

    def __init__(self, params: AttributeClassifierParams) -> None:
        self._classifier = params.classifier
        self._pipeline: Pipeline | None = None
        self._known: Tensor | None = None  # values that occur in attack-train, K ≤ V

    @abstractmethod
    def features(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the classifier's inputs, shape (N, F)."""

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Fit the classifier.

        Raises:
            PoolError: if attack-train is empty.
        """
        truth = require_attribute(known).numpy()
        self._known = torch.as_tensor(np.unique(truth))
        self._pipeline = None
        if len(self._known) > 1:  # a single class cannot be fitted; it is the only prediction
            # scikit-learn takes an integer; drawn from the generator, it is reproducible as well.
            seed = int(torch.randint(2**31, (), generator=generator))
            self._pipeline = make_pipeline(
                StandardScaler(), _classifier(self._classifier, seed=seed)
            )
            with warnings.catch_warnings():
                # An unconverged fit is a valid, weaker adversary: no reason to warn.
                warnings.simplefilter("ignore", ConvergenceWarning)
                self._pipeline.fit(self._rows(known), truth)

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return each value's probability, shape (N, V); 0 for values absent from attack-train."""
        if self._known is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        scores = torch.zeros(len(knowledge.seen), knowledge.values)
        if self._pipeline is None:
            scores[:, self._known] = 1
        else:
            answers = self._pipeline.predict_proba(self._rows(knowledge))
            scores[:, self._known] = torch.as_tensor(answers, dtype=scores.dtype)
        return scores

    def _rows(self, knowledge: AdversaryKnowledge) -> NDArray[np.float64]:
        return np.asarray(self.features(knowledge), dtype=np.float64)


def _classifier(name: str, *, seed: int) -> ClassifierMixin:
    match name:
        case "mlp":
            return MLPClassifier(random_state=seed)
        case "boosting":
            return HistGradientBoostingClassifier(random_state=seed)
        case _:
            return LogisticRegression(max_iter=1000, random_state=seed)
