"""A pool as one model shows it, and one attack on it."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import AttackerDef, AttackerParams
from safecompress_core.dataset import Dataset, placed
from safecompress_core.network import Classifier
from safecompress_core.privacy.observations import Observations, observe
from safecompress_core.privacy.pools import Pool
from safecompress_core.privacy.references import References
from safecompress_core.privacy.scrutiny import Lens
from safecompress_core.seeding import Seed

__all__ = ["Bout", "Sight", "look"]

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A pool as one model shows it: observed once, shared by every attacker.

    Attributes:
        dataset: where the samples are from.
        pool: which they are, members first.
        seen: the model's reactions to them, with all the access that it gives.
        references: those of reference models, or None.
        uncompressed: those of the uncompressed model, or None.
        versions: those of other compressed versions, in the order in which they are handed out.
    """

    dataset: Dataset
    pool: Pool
    seen: Observations
    references: References | None = None
    uncompressed: Observations | None = None
    versions: tuple[Observations, ...] = ()

    @property
    def unseen(self) -> Observations:
        """The reactions to non-members, on which the task metrics are read."""
        return self.seen.take(torch.arange(len(self.pool.members), len(self.pool)))


def look(
    network: Classifier, dataset: Dataset, pool: Pool, references: References | None = None
) -> Sight:
    """One pass of the network over a pool: plain samples, never transformed ones.

    Args:
        network: the model.
        dataset: where the samples are from.
        pool: which they are.
        references: what reference models say of all samples of the data set.
    """
    indices = pool.indices
    seen = observe(network, placed(dataset.inputs, indices, CPU), dataset.labels[indices])
    others = None if references is None else references.take(indices)
    return Sight(dataset=dataset, pool=pool, seen=seen, references=others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bout:
    """A fitted attacker that is set on a pool.

    Attributes:
        definition: its type.
        params: its parameters.
        attacker: the class of the toolkit that its game asks for.
        known: attack-train.
        asked: the pool that is reported.
        seed: of what chance there is while it attacks.
        lens: of the pool, to have an attack on membership looked at closely.
    """

    definition: AttackerDef
    params: AttackerParams
    attacker: Any
    known: Sight
    asked: Sight
    seed: Seed
    lens: Lens | None = None

    @property
    def bounds(self) -> tuple[Tensor, Tensor]:
        """The lowest and the highest value of an input: the data's own, or those that were seen."""
        if self.asked.dataset.bounds is not None:
            return self.asked.dataset.bounds
        seen = [sight.seen.inputs for sight in (self.known, self.asked)]
        lowest, highest = (
            torch.stack([end(one) for one in seen]) for end in (torch.amin, torch.amax)
        )
        return lowest.amin(), highest.amax()
