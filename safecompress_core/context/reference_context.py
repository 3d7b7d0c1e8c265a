"""Contexts of reference models: the run's own spec on other pools and other draws."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

from torch import Tensor

from safecompress_core.api import references_of
from safecompress_core.attacks.reference_answers import assign_folds
from safecompress_core.context.run_context import RunContext
from safecompress_core.context.samples import RecutSamples
from safecompress_core.context.spec_context import SpecContext
from safecompress_core.data.pools import SamplePools, cut_pools
from safecompress_core.specfile.models.run_spec import RunSpec

__all__ = [
    "assign_reference_members",
    "build_reference_context",
    "count_references",
    "reference_members",
]


def count_references(prepared: SpecContext) -> int:
    """Return the number of reference models that the audit needs: the attackers' maximum."""
    # One set of models serves all attackers, so the largest demand decides.
    return max((references_of(attack.params) for attack in prepared.audit_attacks), default=0)


@dataclass(frozen=True, eq=False, kw_only=True)
class ReferenceSamples(RecutSamples):
    """The run's own data, and pools that are cut from a reference model's members and the rest.

    ``seed`` is the reference model's.

    Attributes:
        spec: of the run.
        members: gives the samples that it is trained on, shape (N,), bool.
    """

    spec: RunSpec
    members: Callable[[], Tensor]

    @cached_property
    def pools(self) -> SamplePools:
        """Split the reference model's members and the rest."""
        shares = self.spec.pools
        # With the shares of the run: a reference model may repeat its whole selection.
        pools = cut_pools(
            self.dataset.labels,
            self.members(),
            shares=(shares.attack_train, shares.select, shares.audit),
            generator=self.seed.child("pools").torch(),
            groups=self.dataset.groups,
        )
        generator = self.seed.child("pools", "reference").torch()
        return pools.with_reference(shares.reference, generator=generator)


def build_reference_context(run_context: RunContext, index: int) -> RunContext:
    """Build the context of the reference model of that number (from 0).

    It is the run's with other pools, and another seed for everything that is drawn.
    """
    seed = run_context.seed.child("reference", index)
    samples = ReferenceSamples(
        origin=run_context.samples,
        spec=run_context.spec,
        seed=seed,
        members=partial(reference_members, run_context, index),
    )
    return replace(run_context, seed=seed, samples=samples)


def reference_members(run_context: RunContext, index: int) -> Tensor:
    """Return which samples that reference model is trained on, shape (N,), bool."""
    # Folds are assigned in order, so the first ``index + 1`` suffice.
    return assign_reference_members(run_context, index + 1)[index]


def assign_reference_members(run_context: RunContext, count: int) -> Tensor:
    """Assign samples to the first ``count`` reference models, shape (count, N)."""
    return assign_folds(
        run_context.dataset.labels,
        members=len(run_context.pools.members),
        count=count,
        # Results depend on the seed's name.
        generator=run_context.seed.child("reference", "deal").torch(),
        groups=run_context.dataset.groups,
    )
