"""Objectives of candidates, and the rules that make one number of them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Aggregator", "Objectives"]

# K candidates · A attackers


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """What is known of K candidates when one of them has to be chosen.

    Attributes:
        performance: shape (K,), the task metric, in [0, 1], higher is better.
        advantage: shape (K, A), each attack's advantage, in [0, 1], lower is better.
        attack_accuracy: shape (K, A), each attack's accuracy, in [0, 1], lower is better.
        weights: shape (A,), each attack's weight, not negative, with a positive sum if A > 0.
    """

    performance: NDArray[np.float64]
    advantage: NDArray[np.float64]
    attack_accuracy: NDArray[np.float64]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.performance)


class Aggregator(ABC):
    """Built from its parameters; pure: the same objectives always give the same utilities."""

    @abstractmethod
    def utilities(self, objectives: Objectives) -> NDArray[np.float64]:
        """One number a candidate, shape (K,), finite, higher is better.

        It may depend on the company a candidate is in (a knee does).
        """
