"""One model's observations of one pool."""

from dataclasses import dataclass

import torch

from safecompress_core.attacks.observations import Observations, observe
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.data.dataset import Dataset, select_inputs
from safecompress_core.data.pools import Pool
from safecompress_core.networks.classifier import Classifier

__all__ = ["ObservedPool", "observe_pool"]

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedPool:
    """A pool as one model shows it: observed once, shared by every attacker.

    Attributes:
        dataset: where the samples are from.
        pool: which they are, members first.
        seen: the model's reactions to them, with all the access that it gives.
        references: those of reference models, or None.
        uncompressed: those of the uncompressed model, or None.
        versions: those of other compressed versions, in the order in which they are returned.
        twin: those of the model's swap twin, or None.
    """

    dataset: Dataset
    pool: Pool
    seen: Observations
    references: ReferenceAnswers | None = None
    uncompressed: Observations | None = None
    versions: tuple[Observations, ...] = ()
    twin: Observations | None = None

    @property
    def unseen(self) -> Observations:
        """The reactions to non-members, on which the task metrics are read."""
        # Members come first in a pool, so the remaining positions are the non-members.
        return self.seen.take(torch.arange(len(self.pool.members), len(self.pool)))


def observe_pool(
    network: Classifier, dataset: Dataset, pool: Pool, references: ReferenceAnswers | None = None
) -> ObservedPool:
    """One pass of the network over a pool: plain samples, never transformed ones.

    Args:
        network: the model.
        dataset: where the samples are from.
        pool: which they are.
        references: what reference models say of all samples of the data set.
    """
    indices = pool.indices
    # To the CPU: observations move batches to the device themselves.
    seen = observe(network, select_inputs(dataset.inputs, indices, CPU), dataset.labels[indices])
    others = None if references is None else references.take(indices)
    return ObservedPool(dataset=dataset, pool=pool, seen=seen, references=others)
