"""An independent network that says what class a reconstruction shows."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

__all__ = ["Evaluator"]

Ints = NDArray[np.int64]


class Evaluator:
    """A small network that knows neither the model nor its members.

    Args:
        inputs: shape (N, D): samples that neither the model nor the adversary has had.
        labels: their classes, shape (N,), int64.
        seed: of its initial weights and batches.

    Source: Zhang et al. 2020, "The Secret Revealer: Generative Model-Inversion Attacks Against Deep
    Neural Networks", CVPR (attack accuracy by an evaluation classifier).
    """

    def __init__(self, inputs: NDArray[Any], labels: Ints, *, seed: int) -> None:
        self._network = MLPClassifier(hidden_layer_sizes=(128,), random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 200 epochs are enough to judge by
            self._network.fit(inputs, labels)

    def hits(self, inputs: NDArray[Any], labels: Ints) -> int:
        """How many inputs (K, D) it takes for what they are to be."""
        return int((self._network.predict(inputs) == labels).sum())
