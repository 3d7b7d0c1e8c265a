"""Imputation of a private attribute without the model.

Rules learn from what an adversary has anyway: the task label, and the public features where the
data have any. Categorical and numeric attributes differ in their rules and in the loss that selects
one. A rule is fitted once for the same knowledge, whatever model or attack is judged.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = [
    "CATEGORICAL",
    "NUMERIC",
    "AttributeTrainingSet",
    "Imputation",
    "PublicFeatures",
    "RuleSet",
    "best_imputation",
]

# M known samples · N samples · P columns of public features · V attribute values

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
FOLDS = 5
TREES = 1000
FITTED = 32
"""Imputations that are kept: two of a numeric attribute, of its intervals and of its numbers."""


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


Guess = Callable[[PublicFeatures], NDArray[Any]]
"""From samples to a value each, shape (N,)."""

Rule = Callable[[AttributeTrainingSet], Guess]
"""Learns a guess from attack-train."""

Statistic = Callable[[NDArray[Any]], Any]
"""From values to the one of them that is guessed for all."""


def majority(values: Ints) -> np.int64:
    """Return the most frequent value; of equals the smallest."""
    return np.bincount(values).argmax()


def constant(statistic: Statistic) -> Rule:
    """Return the rule that guesses a statistic of attack-train for every sample."""

    def rule(known: AttributeTrainingSet) -> Guess:
        value = statistic(known.truth)
        return lambda asked: np.full(len(asked.labels), value)

    return rule


def constant_per_label(statistic: Statistic) -> Rule:
    """Return the rule that guesses a statistic of the samples with the same task label."""

    def rule(known: AttributeTrainingSet) -> Guess:
        values = {
            label: statistic(known.truth[known.asked.labels == label])
            for label in np.unique(known.asked.labels)
        }

        def guess(asked: PublicFeatures) -> NDArray[Any]:
            # A label that attack-train does not have gets the overall statistic.
            guesses = constant(statistic)(known)(asked)
            for label, value in values.items():
                guesses[asked.labels == label] = value
            return guesses

        return guess

    return rule


def logistic(known: AttributeTrainingSet) -> Guess:
    """Fit logistic regression on public features and label."""
    # scikit-learn's classifiers refuse a single class.
    if len(np.unique(known.truth)) < 2:
        return constant(majority)(known)
    return _fit_guess(
        known, make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=0))
    )


def boosting_classifier(known: AttributeTrainingSet) -> Guess:
    """Fit histogram gradient boosting on public features and label; at most ``TREES`` in all.

    A boosting step grows one tree for each of more than two values.
    """
    values = len(np.unique(known.truth))
    if values < 2:  # as above
        return constant(majority)(known)
    # Boosting with V > 2 values costs V trees a step, so the number of trees is bounded, not steps.
    steps = max(min(100, TREES // values), 1)
    # Early stopping would hold out samples at random; the baseline has no seed.
    model = HistGradientBoostingClassifier(max_iter=steps, early_stopping=False, random_state=0)
    return _fit_guess(known, model)


def ridge(known: AttributeTrainingSet) -> Guess:
    """Fit ridge regression on public features and label."""
    return _fit_guess(known, make_pipeline(StandardScaler(), Ridge()))


def boosting_regressor(known: AttributeTrainingSet) -> Guess:
    """Fit histogram gradient boosting, by absolute error, on public features and label."""
    # No early stopping, as above.
    model = HistGradientBoostingRegressor(
        loss="absolute_error", early_stopping=False, random_state=0
    )
    return _fit_guess(known, model)


def _fit_guess(known: AttributeTrainingSet, model: Any) -> Guess:
    labels = np.unique(known.asked.labels)
    with warnings.catch_warnings():
        # An unconverged fit is still a valid guess, and cross-validation decides whether it is
        # used.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(_rows(known.asked, labels), known.truth)
    # Labels of attack-train, not of the pool: the columns must be those that were fitted.
    return lambda asked: np.asarray(model.predict(_rows(asked, labels)), dtype=known.truth.dtype)


def _rows(asked: PublicFeatures, labels: Ints) -> Floats:
    """Public features next to one column for each of L task labels, shape (N, P + L)."""
    marks = (asked.labels[:, None] == labels).astype(np.float64)
    return marks if asked.public is None else np.concatenate([asked.public, marks], axis=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RuleSet:
    """Rules for one type of attribute, simplest first, and the loss that selects one.

    Attributes:
        label_rules: by name, rules that use the task label at most.
        feature_rules: by name, rules that use public features too.
        loss: of each guess, from guesses and truth of shape (N,), shape (N,).
    """

    label_rules: Mapping[str, Rule]
    feature_rules: Mapping[str, Rule]
    loss: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]

    @property
    def rules(self) -> Mapping[str, Rule]:
        """All rules by name, simplest first."""
        return {**self.label_rules, **self.feature_rules}


CATEGORICAL = RuleSet(
    label_rules={
        "majority": constant(majority),
        "majority-per-label": constant_per_label(majority),
    },
    feature_rules={"logistic": logistic, "boosting": boosting_classifier},
    loss=lambda guesses, truth: guesses != truth,
)
NUMERIC = RuleSet(
    # No other constant has less absolute error than the median.
    label_rules={"median": constant(np.median), "median-per-label": constant_per_label(np.median)},
    feature_rules={"ridge": ridge, "boosting": boosting_regressor},
    loss=lambda guesses, truth: np.abs(guesses - truth),
)
"""No rule keeps to the intervals that attackers score."""


@dataclass(frozen=True, slots=True, eq=False)
class Imputation:
    """A rule with its guess, learned from attack-train.

    Attributes:
        rule: a name in ``CATEGORICAL`` or ``NUMERIC``.
        guess: from samples to values or numbers, shape (N,).
    """

    rule: str
    guess: Guess


@lru_cache(maxsize=FITTED)
def best_imputation(known: AttributeTrainingSet) -> Imputation:
    """Return the rule with the least loss on held-out parts of attack-train, fitted to all of it.

    Args:
        known: attack-train; an attribute of type int64 is categorical, one of float64 numeric.
    """
    rule_set = CATEGORICAL if known.truth.dtype == np.int64 else NUMERIC
    # From the label alone, no classifier can beat the majority per label on the training data, and
    # no regression the median per label.
    rules = rule_set.label_rules if known.asked.public is None else rule_set.rules

    def held_out_loss(name: str) -> float:
        # Sums, not means of folds: folds differ by a sample in size.
        return sum(
            float(rule_set.loss(rules[name](fitting)(held.asked), held.truth).sum())
            for fitting, held in _folds(known)
        )

    # ``min`` returns the first of equals, and rules are ordered from simple to complex.
    best = min(rules, key=held_out_loss)
    return Imputation(best, rules[best](known))


def _folds(
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
