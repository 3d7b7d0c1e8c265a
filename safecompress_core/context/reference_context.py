"""Contexts of reference models: the run's own spec on other pools and other draws."""

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from safecompress_core.attacks.reference_answers import assign_folds
from safecompress_core.context.run_context import RunContext
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools, cut_pools
from safecompress_core.seeding import Seed

__all__ = [
    "ReferenceContext",
    "assign_reference_members",
    "build_reference_context",
    "count_references",
]


def count_references(run_context: RunContext) -> int:
    """Return the number of reference models that the audit needs: the attackers' maximum."""
    return max(
        (
            getattr(attack.params, "references", 0)
            for attack in run_context.audit_attacks
            if attack.definition.references
        ),
        default=0,
    )


@dataclass(frozen=True, eq=False)
class ReferenceContext(RunContext):
    """A spec as a reference model runs it: the same but for the pools and all that is drawn.

    Attributes:
        origin: of the model that is attacked.
        index: which reference model it is, from 0.
    """

    origin: RunContext
    index: int

    @cached_property
    def seed(self) -> Seed:
        """A branch of the run's."""
        return self.origin.seed.child("reference", self.index)

    @cached_property
    def dataset(self) -> Dataset:
        """The very same."""
        return self.origin.dataset

    @cached_property
    def is_in(self) -> Tensor:
        """Return the samples that it is trained on, shape (N,), bool."""
        return assign_reference_members(self.origin, self.index + 1)[self.index]

    @cached_property
    def pools(self) -> SamplePools:
        """Cut from its own members and the rest."""
        shares = self.spec.pools
        pools = cut_pools(
            self.dataset.labels,
            self.is_in,
            shares=(shares.attack_train, shares.select, shares.audit),
            generator=self.seed.child("pools").torch(),
            groups=self.dataset.groups,
        )
        generator = self.seed.child("pools", "reference").torch()
        return pools.with_reference(shares.reference, generator=generator)


def build_reference_context(run_context: RunContext, index: int) -> ReferenceContext:
    """Build the context of the reference model of that number (from 0)."""
    return ReferenceContext(
        run_context.loaded, run_context.registry, origin=run_context, index=index
    )


def assign_reference_members(run_context: RunContext, count: int) -> Tensor:
    """Assign samples to the first ``count`` reference models, shape (count, N)."""
    return assign_folds(
        run_context.dataset.labels,
        members=len(run_context.pools.members),
        count=count,
        generator=run_context.seed.child("reference", "deal").torch(),
        groups=run_context.dataset.groups,
    )
