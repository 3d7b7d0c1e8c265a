"""What an attacker is given and what it must answer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from safecompress_core.privacy.observations import Observations

__all__ = ["Attacker", "Evidence"]

# N samples · C classes · V attribute values


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an adversary holds about the samples of one pool.

    Attributes:
        seen: the model's reactions to them, limited to the declared access.
        truth: what it tries to find out, when it is known (attack-train) and None when it is not:
            (N,) bool for membership, (N,) int64 in [0, V) for an attribute.
        values: how many values the truth can take; 2 for membership.
    """

    seen: Observations
    truth: Tensor | None
    values: int


class Attacker(ABC):
    """Built from its parameters once a model; copied, with what it learned, for each candidate.

    Attributes:
        threshold: the membership score above which the attacker itself says "member"; None lets
            the game choose it on attack-train. Attribute attackers leave it alone.
    """

    threshold: float | None = None

    @abstractmethod
    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Learn from samples whose truth is known, starting afresh."""

    def adapt(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Learn for a slightly changed model, starting from what was learned before.

        Attackers that fit in no time start afresh.
        """
        self.fit(known, generator=generator)

    @abstractmethod
    def score(self, evidence: Evidence) -> Tensor:
        """One answer a sample; ``evidence.truth`` is None.

        Returns:
            membership: shape (N,), higher means more likely a member;
            attribute: shape (N, V), higher means more likely that value.
        """
