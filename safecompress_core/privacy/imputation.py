"""What a guesser without the model makes of a private attribute."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = ["RULES", "Imputation", "best_imputation"]

# M known samples · N samples · V attribute values

Ints = NDArray[np.int64]
FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Samples whose attribute the adversary knows.

    Attributes:
        labels: their task labels, shape (M,).
        values: their values of the attribute, shape (M,), in [0, V).
    """

    labels: Ints
    values: Ints


Rule = Callable[[Known, Ints], Ints]
"""From what is known, and labels (N,), to guessed values (N,)."""


def majority(known: Known, labels: Ints) -> Ints:
    """The most frequent value for everyone; of equals the smallest."""
    return np.full(len(labels), np.bincount(known.values).argmax(), dtype=np.int64)


def majority_per_label(known: Known, labels: Ints) -> Ints:
    """The most frequent value among samples of the same task label, where there are any."""
    guesses = majority(known, labels)
    for label in np.intersect1d(labels, known.labels):
        guesses[labels == label] = np.bincount(known.values[known.labels == label]).argmax()
    return guesses


RULES: Mapping[str, Rule] = MappingProxyType(
    {"majority": majority, "majority-per-label": majority_per_label}
)
"""Simplest first: of equally good rules the first is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Imputation:
    """A rule with what it knows.

    Attributes:
        rule: a name in ``RULES``.
        known: attack-train.
    """

    rule: str
    known: Known

    def guess(self, labels: Ints) -> Ints:
        """A value for each task label, shape (N,)."""
        return RULES[self.rule](self.known, labels)


def best_imputation(labels: Ints, values: Ints) -> Imputation:
    """The rule that guesses best on held-out parts of attack-train.

    Cross-validation in 5 folds, each with its share of every pair of label and value; the order
    of the samples makes no difference, so no randomness is needed.

    Args:
        labels: task labels of attack-train, shape (N,).
        values: the attribute of the same samples, shape (N,), in [0, V).
    """
    fold = np.empty(len(labels), dtype=np.int64)
    fold[np.lexsort((labels, values))] = np.arange(len(labels)) % FOLDS

    def right(rule: Rule) -> int:
        hits = 0
        for number in range(FOLDS):
            held = fold == number
            if held.any() and not held.all():
                guesses = rule(Known(labels[~held], values[~held]), labels[held])
                hits += int((guesses == values[held]).sum())
        return hits

    best = max(RULES, key=lambda name: right(RULES[name]))
    return Imputation(best, Known(labels, values))
