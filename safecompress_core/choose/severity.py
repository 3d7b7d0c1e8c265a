"""Choosing by a sum whose weights are the severity and the commonality of attacks."""

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.manifest import Amount, SeverityParams, Spread
from safecompress_core.choose.significance import NO_DIFFERENCE
from safecompress_core.seeding import Seed

__all__ = ["Severity"]

Array = NDArray[np.float64]

# D draws · K candidates · A attacks


class Severity(Aggregator):
    """w·performance − Σ_a r_a·advantage_a, where r is severity × commonality, summing to 1.

    Uncertain severities and commonalities are drawn, and r is normalised in each draw. The utility
    is the mean over draws. It is linear in the objectives, so a candidate that is dominated never
    wins, and nothing depends on which other candidates there are; a mean rank would.

    An attacker's ``weight`` is a factor of r, so that one of weight 0 has no part. Attacks that
    take a quantity from the same game share its draws.

    Source: Zhu, Wang & Han 2022, "Safety and Performance, Why Not Both?", ASE, section 8.
    """

    def __init__(self, params: SeverityParams) -> None:
        self.params = params
        self._drawn: dict[tuple[str, str], Array] = {}

    def utilities(self, objectives: Objectives) -> Array:
        """The mean over draws, shape (K,), whatever the candidate's company."""
        return self._utilities(objectives, self._weights(objectives).mean(axis=0))

    def win_shares(self, objectives: Objectives) -> Array:
        """Return the share of draws that each candidate wins, shape (K,)."""
        utilities = self._utilities(objectives, self._weights(objectives))  # (D, K)
        wins = utilities >= utilities.max(axis=1, keepdims=True) - NO_DIFFERENCE
        shares: Array = (wins / wins.sum(axis=1, keepdims=True)).mean(axis=0)
        return shares

    def _utilities(self, objectives: Objectives, weights: Array) -> Array:
        """Return utilities of shape (…, K) by weights of shape (…, A)."""
        gain = self.params.performance_weight * objectives.performance
        utilities: Array = gain - weights @ objectives.advantage.T
        return utilities

    def _weights(self, objectives: Objectives) -> Array:
        """Return the weights of attacks in each draw, shape (D, A), each row summing to 1."""
        attacks = zip(objectives.attackers, objectives.games, objectives.weights, strict=True)
        columns = [weight * self._risk(*names) for *names, weight in attacks]
        # Without an attack there is nothing to normalise, and the product with advantages is 0.
        if not columns:
            return np.zeros((self.params.draws, 0))
        risks = np.stack(columns, axis=1)
        weights: Array = risks / risks.sum(axis=1, keepdims=True)
        return weights

    def _risk(self, attacker: str, game: str) -> Array:
        """Return severity × commonality in each draw, shape (D,)."""
        return self._draw(attacker, game, "severity") * self._draw(attacker, game, "commonality")

    def _draw(self, attacker: str, game: str, quantity: str) -> Array:
        """Return the draws of a quantity, shape (D,): the attacker's, its game's, or 1."""
        for name in (attacker, game):
            amount = getattr(self.params.attacks.get(name), quantity, None)
            if amount is not None:
                # Drawn by name, so that an entry more leaves the draws of all others unchanged.
                if (name, quantity) not in self._drawn:
                    generator = Seed(0).child("severity", name, quantity).numpy()
                    self._drawn[name, quantity] = _sample(amount, self.params.draws, generator)
                return self._drawn[name, quantity]
        return np.ones(self.params.draws)


def _sample(amount: Amount, draws: int, generator: np.random.Generator) -> Array:
    """Return draws of a quantity, shape (D,)."""
    if not isinstance(amount, Spread):
        return np.full(draws, amount, dtype=np.float64)
    if amount.mode is None:
        return generator.uniform(amount.low, amount.high, draws)
    return generator.triangular(amount.low, amount.mode, amount.high, draws)
