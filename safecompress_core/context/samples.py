"""Samples of a context: the data as a model takes them, and their pools.

Parts are loaded and cut when first used, and once.
"""

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from safecompress_core.data.canaries import mislabel
from safecompress_core.data.dataset import Dataset, DataSource
from safecompress_core.data.duplicates import without_copies
from safecompress_core.data.labels import unify_labels
from safecompress_core.data.pools import SamplePools, build_pools, cut_pools
from safecompress_core.errors import PoolError
from safecompress_core.host import Registry
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.saved_models.output_labels import align_labels
from safecompress_core.seeding import Seed
from safecompress_core.specfile.checks.membership_checks import warn_of_unused_membership
from safecompress_core.specfile.checks.spec_checks import AnySpec
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.run_spec import GIVEN, RunSpec

__all__ = [
    "NetworkSamples",
    "RecutSamples",
    "RunSamples",
    "Samples",
    "cut_members",
    "with_membership_note",
]


class Samples(Protocol):
    """The data and pools of a context."""

    @property
    def original(self) -> Dataset:
        """The data as the model takes them."""

    @property
    def dataset(self) -> Dataset:
        """The data that the model is asked about: canaries, if there are any, are mislabelled."""

    @property
    def pools(self) -> SamplePools:
        """Members and non-members, cut once."""


class NetworkSamples(Samples, Protocol):
    """Samples with the factory of networks for them."""

    @property
    def factory(self) -> ModelFactory:
        """The factory of the spec's model, which has read the data."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RunSamples:
    """Samples of a run.

    Attributes:
        loaded: its spec.
        registry: what the spec's components are made of.
        seed: of the run.
        dataset_cache: what runs of this process have loaded, by their data's parameters; several
            that are given the same one load the same data once.
    """

    loaded: LoadedSpec[Any]
    registry: Registry
    seed: Seed
    dataset_cache: dict[str, Dataset] = field(default_factory=dict)

    @property
    def _spec(self) -> RunSpec:
        spec: RunSpec = self.loaded.spec
        return spec

    @cached_property
    def factory(self) -> ModelFactory:
        """Return the factory of the spec's model."""
        factory: ModelFactory = self.registry.create(self._spec.task.model)
        return factory

    @cached_property
    def original(self) -> Dataset:
        """The data as the model takes them, loaded once, and without copies if the spec says so."""
        data = align_labels(self.factory.prepare(self._loaded_data), self.factory.labels)
        data = with_membership_note(data, self._spec)
        # Copies are removed before pools are cut, or one copy could be a member and one not.
        return without_copies(data) if self._spec.pools.duplicates == "remove" else data

    @cached_property
    def _loaded_data(self) -> Dataset:
        source: DataSource = self.registry.create(self._spec.task.data)
        # The resolved section is the key: equal parameters load equal data.
        key = json.dumps(self.loaded.resolved["task"]["data"], sort_keys=True)
        if key not in self.dataset_cache:
            self.dataset_cache[key] = unify_labels(source.load())
        return self.dataset_cache[key]

    @cached_property
    def dataset(self) -> Dataset:
        """The data of the run: canaries, if there are any, have a wrong label."""
        canaries = self.pools.canaries if self._spec.pools.canaries else None
        if canaries is None:
            return self.original
        # A child of its own: adding canaries leaves pools and training unchanged.
        generator = self.seed.child("canaries").torch()
        return mislabel(self.original, canaries, generator=generator)

    @cached_property
    def pools(self) -> SamplePools:
        """Split the pools, then set the defences' reference samples aside."""
        declared = self._spec.pools
        shares = (declared.attack_train, declared.select, declared.audit)
        # The original: the run's data set needs these pools to mislabel its canaries.
        whole = cut_members(
            self.original, declared.members, shares, seed=self.seed, canaries=declared.canaries
        )
        # Drawn after the cut, from another child: pools do not depend on the defences.
        generator = self.seed.child("pools", "reference").torch()
        return whole.with_reference(declared.reference, generator=generator)


@dataclass(frozen=True, eq=False, kw_only=True)
class RecutSamples:
    """The data of a run, for samples whose pools are cut otherwise.

    Attributes:
        origin: samples of the run.
        seed: of the cut.
    """

    origin: NetworkSamples
    seed: Seed

    @property
    def factory(self) -> ModelFactory:
        """Return that of the run."""
        return self.origin.factory

    @property
    def original(self) -> Dataset:
        """Return that of the run."""
        return self.origin.original

    @property
    def dataset(self) -> Dataset:
        """Return that of the run."""
        return self.origin.dataset


def with_membership_note(data: Dataset, spec: AnySpec) -> Dataset:
    """Return samples with a warning if they name members and the seed draws others.

    Where a data set has parts of its own, such as training and test images, that is a note.
    """
    if warning := warn_of_unused_membership(spec):
        return replace(data, warnings=(*data.warnings, warning))
    if data.is_member is None or spec.pools.members == GIVEN:
        return data
    note = (
        "the data's own parts (training and test, say) are not used: members are drawn by the "
        f"seed (pools.members: {spec.pools.members})"
    )
    return replace(data, notes=(*data.notes, note))


def cut_members(
    data: Dataset,
    members: int | float | str,
    shares: tuple[float, float, float],
    *,
    seed: Seed,
    canaries: int = 0,
) -> SamplePools:
    """Cut the pools: members as the data name them, or drawn by the seed.

    Args:
        data: what is cut.
        members: as a spec says it.
        shares: of attack-train, select and audit.
        seed: of the context.
        canaries: how many there are of either side.

    Raises:
        PoolError: if the data do not suffice, or do not state their members.
    """
    generator = seed.child("pools").torch()
    # A string means that the data say who was a member; a number is drawn.
    if isinstance(members, str):
        if data.is_member is None:
            message = "the data do not state which samples are members"
            raise PoolError(f"{message}; write a share of them, or how many")
        return cut_pools(
            data.labels,
            data.is_member,
            shares=shares,
            generator=generator,
            canaries=canaries,
            groups=data.groups,
        )
    attack_train, select, audit = shares
    return build_pools(
        data.labels,
        members=members,
        attack_train=attack_train,
        select=select,
        audit=audit,
        generator=generator,
        canaries=canaries,
        groups=data.groups,
    )
