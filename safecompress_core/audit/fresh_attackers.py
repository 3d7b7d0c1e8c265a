"""Fresh attackers of an audit: created anew for each model, and fitted from the same generators."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from safecompress_core.api import Params
from safecompress_core.attacks.adversary import AdversaryKnowledge, Attacker
from safecompress_core.games.play import Attack
from safecompress_core.seeding import Seed

__all__ = ["FreshAttackers"]


@dataclass(frozen=True, eq=False, kw_only=True)
class FreshAttackers:
    """Creates and fits attackers, so that what differs between two audits is the model.

    Attributes:
        create: makes a component from its parameters.
        seed: of the audit.
    """

    create: Callable[[Params], Any]
    seed: Seed

    def fit(self, attack: Attack, known: AdversaryKnowledge) -> Attacker:
        """Return a new attacker, fitted on what the adversary knows."""
        attacker: Attacker = self.create(attack.params)
        # A child of the attack alone: a control tests the same attack, on whatever model.
        attacker.fit(known, generator=self.seed.child("fit", attack.id).torch())
        return attacker

    def scores(
        self, attack: Attack, known: AdversaryKnowledge, asked: AdversaryKnowledge
    ) -> Tensor:
        """Return the scores of a new attacker, shape (N,)."""
        return self.fit(attack, known).score(asked)
