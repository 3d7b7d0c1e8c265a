"""What an attacker is given and what it must answer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from safecompress_core.privacy.background import Encoding
from safecompress_core.privacy.observations import Observations
from safecompress_core.privacy.references import References

__all__ = ["Adversary", "Attacker", "Evidence"]

# N samples · C classes · V attribute values · P columns of public features


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an adversary holds about the samples of one pool.

    Attributes:
        seen: the model's reactions to them, limited to the declared access.
        truth: what it tries to find out, when it is known (attack-train) and None when it is not:
            (N,) bool for membership, (N,) int64 in [0, V) for an attribute.
        values: how many values the truth can take; 2 for membership.
        references: what reference models say of the same samples, for an attacker whose definition
            asks for them; else None.
        uncompressed: the uncompressed model's reactions to the same samples, with the same access,
            for an attacker whose definition asks for them; else None.
        public: attribute: what anyone may know of the samples anyway, shape (N, P), where the data
            have public features; else None. ``seen.inputs`` show no more than that either.
        encoding: attribute: how the model's input says the attribute, where it does; else None.
        is_member: attribute: which samples are members, shape (N,), bool, where that is known
            (attack-train); else None.
    """

    seen: Observations
    truth: Tensor | None
    values: int
    references: References | None = None
    uncompressed: Observations | None = None
    public: Tensor | None = None
    encoding: Encoding | None = None
    is_member: Tensor | None = None

    def take(self, positions: Tensor) -> "Evidence":
        """The evidence on some samples, by position (int64) or mask (bool), in that order."""
        return replace(
            self,
            seen=self.seen.take(positions),
            truth=None if self.truth is None else self.truth[positions],
            references=None if self.references is None else self.references.take(positions),
            uncompressed=None if self.uncompressed is None else self.uncompressed.take(positions),
            public=None if self.public is None else self.public[positions],
            is_member=None if self.is_member is None else self.is_member[positions],
        )


class Adversary(ABC):
    """Built from its parameters once a model; copied, with what it learned, for each candidate."""

    @abstractmethod
    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Learn from the samples of attack-train that the adversary holds, starting afresh."""

    def adapt(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Learn for a slightly changed model, starting from what was learned before.

        Adversaries that fit in no time start afresh.
        """
        self.fit(known, generator=generator)


class Attacker(Adversary):
    """Says of each sample what is true: whether it is a member, or which value an attribute has.

    Attributes:
        threshold: the membership score above which the attacker itself says "member"; None lets
            the game choose it on attack-train. Attribute attackers leave it alone.
    """

    threshold: float | None = None

    @abstractmethod
    def score(self, evidence: Evidence) -> Tensor:
        """One answer a sample; ``evidence.truth`` is None.

        Returns:
            membership: shape (N,), higher means more likely a member;
            attribute: shape (N, V), higher means more likely that value.
        """
