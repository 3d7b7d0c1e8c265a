"""What an attacker is given and what it must answer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import Access, AttackerDef, AttackerParams, Definition, Game
from safecompress_core.host.boundary import checked
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
        versions: other compressed versions' reactions to the same samples, with the same access,
            for an attacker whose definition asks for them; empty where there are none.
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
    versions: tuple[Observations, ...] = ()
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
            versions=tuple(version.take(positions) for version in self.versions),
            public=None if self.public is None else self.public[positions],
            is_member=None if self.is_member is None else self.is_member[positions],
        )

    def declared(self, definition: AttackerDef, params: AttackerParams) -> "Evidence":
        """What is left of the evidence for an attacker that declares no more than this.

        Of reference models and versions there are as many as its parameters ask for.
        """
        access, references, uncompressed = definition.access, self.references, self.uncompressed
        if not definition.references or references is None:
            references = None
        else:
            references = references.first(params.references)  # type: ignore[attr-defined]
            if access.covers(Access.WHITE_BOX):
                references = references.unguarded
        if not definition.pairs_with_uncompressed or uncompressed is None:
            uncompressed = None
        else:
            uncompressed = uncompressed.restricted(access)
        others = params.versions - 1 if definition.sees_versions else 0  # type: ignore[attr-defined]
        return replace(
            self,
            seen=self.seen.restricted(access),
            references=references,
            uncompressed=uncompressed,
            versions=tuple(one.restricted(access) for one in self.versions[:others]),
        )


def _check_scores(definition: Definition, scores: object, evidence: Evidence) -> None:
    """Require a tensor of numbers, (N,) for membership and (N, V) for an attribute.

    An attacker that is made of others may play either game.
    """
    n, values = len(evidence.seen.labels), evidence.values
    shapes = {Game.MEMBERSHIP: (n,), Game.ATTRIBUTE: (n, values)}
    if isinstance(definition, AttackerDef):
        shapes = {definition.game: shapes[definition.game]}
    wanted = f"it must return a tensor of shape {' or '.join(map(str, shapes.values()))}"
    wanted = f"{wanted}, without NaN"
    if not isinstance(scores, Tensor):
        raise ValueError(f"returned {type(scores).__name__} for {n} samples; {wanted}")
    if tuple(scores.shape) not in shapes.values():
        raise ValueError(f"returned shape {tuple(scores.shape)} for {n} samples; {wanted}")
    if scores.is_complex() or (broken := int(scores.isnan().sum())):
        what = "complex numbers" if scores.is_complex() else f"{broken} NaN"
        raise ValueError(f"returned {what} for {n} samples; {wanted}")


class Adversary(ABC):
    """Built from its parameters once a model; copied, with what it learned, for each candidate.

    Attributes:
        remarks: what an audit says of it, once fitted, beside the game's measures; JSON-ready.
    """

    remarks: Mapping[str, Any] = MappingProxyType({})

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
    @checked(_check_scores)
    def score(self, evidence: Evidence) -> Tensor:
        """One answer a sample; ``evidence.truth`` is None.

        Returns:
            membership: shape (N,), higher means more likely a member;
            attribute: shape (N, V), higher means more likely that value.
        """
