"""The inputs of one attack run: a fitted attacker, what it knows, and the pool that is reported."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import AttackerDef, AttackerParams
from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.games.measures.membership_details import DetailOptions
from safecompress_core.seeding import Seed

__all__ = ["AttackRun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackRun:
    """A fitted attacker that is set on a pool.

    Attributes:
        definition: its type.
        params: its parameters.
        attacker: the class of the toolkit that its game asks for.
        known: attack-train.
        asked: the pool that is reported.
        seed: of what chance there is while it attacks.
        detail_options: of the pool, to have an attack on membership looked at closely.
    """

    definition: AttackerDef
    params: AttackerParams
    attacker: Any
    known: ObservedPool
    asked: ObservedPool
    seed: Seed
    detail_options: DetailOptions | None = None

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """The lowest and the highest value of an input: the data's own, or those that were seen."""
        # Declared bounds are preferred: observed extremes are narrower than what an input may be.
        if self.asked.dataset.bounds is not None:
            return self.asked.dataset.bounds
        seen = [observed.seen.inputs for observed in (self.known, self.asked)]
        lowest, highest = (
            torch.stack([end(inputs) for inputs in seen]) for end in (torch.amin, torch.amax)
        )
        # One bound for all values, since single columns may be constant in a small pool.
        return lowest.amin(), highest.amax()
