"""Imputation of a private attribute without the model.

Rules learn from what an adversary has anyway: the task label, and the public features where the
data have any. A rule is fitted once for the same knowledge, whatever model or attack is judged.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = [
    "RULES",
    "AttributeTrainingSet",
    "Imputation",
    "PublicFeatures",
    "best_imputation",
    "folds",
    "rows",
]

# M known samples · N samples · P columns of public features · V attribute values

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
FOLDS = 5
TREES = 1000
FITTED = 16
"""Imputations that are kept: of so many attributes and pools."""


@dataclass(frozen=True, slots=True, eq=False)
class PublicFeatures:
    """Public features of samples: all but the private attribute.

    Attributes:
        labels: their task labels, shape (N,).
        public: their public features, shape (N, P); None where the data have none.
    """

    labels: Ints
    public: Floats | None = None

    def take(self, positions: NDArray[Any]) -> "PublicFeatures":
        """Some of the samples, by position or mask."""
        public = None if self.public is None else self.public[positions]
        return PublicFeatures(self.labels[positions], public)

    @property
    def columns(self) -> tuple[Floats | Ints, ...]:
        """The label and every public column, each (N,)."""
        return (self.labels, *(() if self.public is None else self.public.T))


@dataclass(frozen=True, eq=False)
class AttributeTrainingSet:
    """Samples whose attribute the adversary knows; equal to others of the same contents.

    Attributes:
        asked: what anyone has of them, M samples.
        truth: their attribute, shape (M,): values in [0, V), int64, or what was measured, float64.
    """

    asked: PublicFeatures
    truth: NDArray[Any]

    @cached_property
    def _digest(self) -> bytes:
        # Arrays are not hashable, and the cache below must recognise equal knowledge of other
        # objects.
        digest = hashlib.sha256()
        for part in (self.truth, self.asked.labels, self.asked.public):
            if part is not None:
                # dtype and shape too: the same bytes of another shape are other data.
                digest.update(f"{part.dtype}{part.shape}".encode())
                digest.update(np.ascontiguousarray(part).tobytes())
        return digest.digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AttributeTrainingSet) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def take(self, positions: NDArray[Any]) -> "AttributeTrainingSet":
        """Some of the samples, by position or mask."""
        return AttributeTrainingSet(self.asked.take(positions), self.truth[positions])


Guess = Callable[[PublicFeatures], Ints]
"""From samples to a value each, shape (N,)."""

Rule = Callable[[AttributeTrainingSet], Guess]
"""Learns from what is known how to guess."""


def majority(known: AttributeTrainingSet) -> Guess:
    """The most frequent value for everyone; of equals the smallest."""
    most = np.bincount(known.truth).argmax()
    return lambda asked: np.full(len(asked.labels), most, dtype=np.int64)


def majority_per_label(known: AttributeTrainingSet) -> Guess:
    """The most frequent value among samples of the same task label, where there are any."""
    most = {
        label: np.bincount(known.truth[known.asked.labels == label]).argmax()
        for label in np.unique(known.asked.labels)
    }

    def guess(asked: PublicFeatures) -> Ints:
        # A label that attack-train does not have gets the overall majority.
        guesses = majority(known)(asked)
        for label, value in most.items():
            guesses[asked.labels == label] = value
        return guesses

    return guess


def logistic(known: AttributeTrainingSet) -> Guess:
    """Logistic regression on public features and label."""
    return _fit_guess(
        known, make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=0))
    )


def boosting(known: AttributeTrainingSet) -> Guess:
    """Histogram gradient boosting on public features and label; at most ``TREES`` in all.

    A boosting step grows one tree for each of more than two values.
    """
    # Boosting with V > 2 values costs V trees a step, so the number of trees is bounded, not steps.
    steps = min(100, TREES // len(np.unique(known.truth)))
    # Early stopping would hold out samples at random; the baseline has no seed.
    model = HistGradientBoostingClassifier(
        max_iter=max(steps, 1), early_stopping=False, random_state=0
    )
    return _fit_guess(known, model)


def _fit_guess(known: AttributeTrainingSet, model: Any) -> Guess:
    """A classifier's guess; the only value there is where no second one is known."""
    # scikit-learn's classifiers refuse a single class.
    if len(np.unique(known.truth)) < 2:
        return majority(known)
    labels = np.unique(known.asked.labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it guesses with what it has by then
        model.fit(rows(known.asked, labels), known.truth)
    # Labels of attack-train, not of the pool: the columns must be those that were fitted.
    return lambda asked: np.asarray(model.predict(rows(asked, labels)), dtype=np.int64)


def rows(asked: PublicFeatures, labels: Ints) -> Floats:
    """Public features next to one column for each of L task labels, shape (N, P + L)."""
    marks = (asked.labels[:, None] == labels).astype(np.float64)
    return marks if asked.public is None else np.concatenate([asked.public, marks], axis=1)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "majority": majority,
        "majority-per-label": majority_per_label,
        "logistic": logistic,
        "boosting": boosting,
    }
)
"""Simplest first: of equally good rules the first is taken."""

FROM_LABELS = ("majority", "majority-per-label")
"""Those that the label alone suffices for; more cannot be made of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Imputation:
    """A rule that has learned.

    Attributes:
        rule: a name in ``RULES``.
        guess: from samples to values, shape (N,).
    """

    rule: str
    guess: Guess


@lru_cache(maxsize=FITTED)
def best_imputation(known: AttributeTrainingSet) -> Imputation:
    """The rule that guesses best on held-out parts of attack-train, fitted to all of it.

    Args:
        known: attack-train, with values in [0, V).
    """

    def right(rule: Rule) -> int:
        return sum(
            int((rule(fitting)(held.asked) == held.truth).sum()) for fitting, held in folds(known)
        )

    # From the label alone, no classifier can beat the majority per label on the training data.
    candidates = RULES if known.asked.public is not None else FROM_LABELS
    # ``max`` returns the first of equals, and RULES are ordered from simple to complex.
    best = max(candidates, key=lambda name: right(RULES[name]))
    return Imputation(best, RULES[best](known))


def folds(
    known: AttributeTrainingSet,
) -> Iterator[tuple[AttributeTrainingSet, AttributeTrainingSet]]:
    """Five times a part to learn from and the part that is held out, where neither is empty.

    Each fold has its share of every pair of label and value. The order of the samples makes no
    difference, so no randomness is needed.
    """
    label, *public = known.asked.columns
    fold = np.empty(len(label), dtype=np.int64)
    # Sorted by value, label, then features: every fifth sample is a stratified fold without a seed.
    fold[np.lexsort((*public, label, known.truth))] = np.arange(len(label)) % FOLDS
    for number in range(FOLDS):
        held = fold == number
        # A tiny attack-train may leave a fold empty, or leave nothing to fit.
        if held.any() and not held.all():
            yield known.take(~held), known.take(held)
