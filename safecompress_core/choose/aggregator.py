"""Objectives of candidates, and the rules that make one number of them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from safecompress_core.api import Definition
from safecompress_core.host.boundary import check_result

__all__ = ["Aggregator", "Objectives"]

# K candidates · A attackers


@dataclass(frozen=True, slots=True, kw_only=True)
class Objectives:
    """Objectives of K candidates among which one is chosen.

    Attributes:
        performance: shape (K,), the task metric, in [0, 1], higher is better.
        advantage: shape (K, A), each attack's advantage, in [0, 1], lower is better.
        attack_accuracy: shape (K, A), each attack's accuracy, in [0, 1], lower is better.
        weights: shape (A,), each attack's weight, not negative, with a positive sum if A > 0.
        attackers: the id of each attack, A of them; empty where an archive is ordered.
        games: the game of each attack, likewise.
        costs: by device measure that the rule names, shape (K,): the figure over that of the
            uncompressed model, not negative, lower is better. They are exact.
    """

    performance: NDArray[np.float64]
    advantage: NDArray[np.float64]
    attack_accuracy: NDArray[np.float64]
    weights: NDArray[np.float64]
    attackers: tuple[str, ...] = ()
    games: tuple[str, ...] = ()
    costs: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.performance)


def _check_utilities(_: Definition, utilities: object, objectives: Objectives) -> None:
    """A finite number for each candidate."""
    wanted = f"it must return an array of {len(objectives)} finite numbers"
    if not isinstance(utilities, np.ndarray):
        raise ValueError(f"returned {type(utilities).__name__}; {wanted}")
    if utilities.shape != (len(objectives),):
        raise ValueError(f"returned shape {utilities.shape}; {wanted}")
    if broken := int((~np.isfinite(utilities)).sum()):
        raise ValueError(f"returned {broken} numbers that are not finite; {wanted}")


def _check_win_shares(definition: Definition, shares: object, objectives: Objectives) -> None:
    """Return without error for None, and for a share of each candidate that sum to 1."""
    if shares is None:
        return
    _check_utilities(definition, shares, objectives)
    assert isinstance(shares, np.ndarray)  # just checked
    wanted = f"it must return {len(objectives)} shares in [0, 1] that sum to 1"
    if (shares < 0).any() or not np.isclose(shares.sum(), 1):
        raise ValueError(
            f"returned shares from {shares.min():g} that sum to {shares.sum():g}; {wanted}"
        )


class Aggregator(ABC):
    """Built from its parameters; pure: the same objectives always give the same utilities."""

    @abstractmethod
    @check_result(_check_utilities)
    def utilities(self, objectives: Objectives) -> NDArray[np.float64]:
        """One number a candidate, shape (K,), finite, higher is better.

        It may depend on the company a candidate is in (a knee does).
        """

    @check_result(_check_win_shares)
    def win_shares(self, objectives: Objectives) -> NDArray[np.float64] | None:
        """Return how often each candidate has the largest utility, shape (K,), summing to 1.

        For a rule whose own parameters are uncertain: the share of their draws that a candidate
        wins, where equal ones share a draw. None, the default, for a rule that has no draws.
        """
        return None
