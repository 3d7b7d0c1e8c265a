"""Context that runs and audits share: data, pools, metrics and attackers of a spec.

A run that makes its model prepares more (`RunContext`); the audit of a finished one has no need of
it (`AuditContext`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import AttackerParams, component_id
from safecompress_core.audit.auditor import Auditor
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools, build_pools, cut_pools
from safecompress_core.errors import PoolError
from safecompress_core.games.play import Attack
from safecompress_core.host import Registry
from safecompress_core.metric import Metric, SampleMetric
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.environment import pick_device
from safecompress_core.results.events import EventLog
from safecompress_core.results.identity import (
    identity_of_components,
    identity_of_data,
    identity_of_plugins,
)
from safecompress_core.seeding import Seed
from safecompress_core.specfile.checks.membership_checks import warn_of_unused_membership
from safecompress_core.specfile.checks.spec_checks import AnySpec
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.run_spec import GIVEN

__all__ = ["SpecContext"]


@dataclass(frozen=True)
class SpecContext(ABC):
    """A spec with what every audit needs of it loaded and built."""

    loaded: LoadedSpec[Any]
    registry: Registry

    @property
    @abstractmethod
    def spec(self) -> AnySpec:
        """The spec as it was validated."""

    @property
    @abstractmethod
    def original(self) -> Dataset:
        """The data as the model takes them."""

    @property
    def dataset(self) -> Dataset:
        """The data that the model is asked about."""
        return self.original

    @property
    @abstractmethod
    def pools(self) -> SamplePools:
        """Return the pools, split once."""

    @property
    def attacks(self) -> tuple[Attack, ...]:
        """Return the attacks that test candidates, if any."""
        return ()

    @cached_property
    def seed(self) -> Seed:
        """Return the root of all randomness."""
        return Seed(self.spec.seed)

    @cached_property
    def device(self) -> torch.device:
        """Return the device of the networks."""
        return pick_device(self.spec.device)

    @property
    def sample(self) -> Tensor:
        """An input of the model, shape (1, ...)."""
        return self.dataset.inputs[torch.tensor([0])]

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """By the names that gates use."""
        return {component_id(params): self.registry.create(params) for params in self.spec.metrics}

    @cached_property
    def performance(self) -> tuple[str, SampleMetric]:
        """The metric that counts as performance: the first one that is a mean over samples."""
        return next(
            (name, metric)
            for name, metric in self.metrics.items()
            if isinstance(metric, SampleMetric)
        )

    @cached_property
    def audit_attacks(self) -> tuple[Attack, ...]:
        """Return the attacks of the audit."""
        return tuple(self.build_attacks(self.spec.audit.attackers))

    def build_attacks(self, declared: Iterable[AttackerParams]) -> Iterable[Attack]:
        """Attackers as a spec declares them."""
        for params in declared:
            yield Attack.from_params(params, self.registry)

    def with_membership_note(self, data: Dataset) -> Dataset:
        """The same samples, with a warning where they name members and the seed draws others.

        Where a data set has parts of its own, such as training and test images, that is a note.
        """
        if warning := warn_of_unused_membership(self.spec):
            return replace(data, warnings=(*data.warnings, warning))
        if data.is_member is None or self.spec.pools.members == GIVEN:
            return data
        note = (
            "the data's own parts (training and test, say) are not used: members are drawn by the "
            f"seed (pools.members: {self.spec.pools.members})"
        )
        return replace(data, notes=(*data.notes, note))

    def cut(
        self,
        members: int | float | str,
        shares: tuple[float, float, float],
        *,
        canaries: int = 0,
    ) -> SamplePools:
        """The pools: members as the data name them, or drawn by the seed.

        Args:
            members: as a spec says it.
            shares: of attack-train, select and audit.
            canaries: how many there are of either side.

        Raises:
            PoolError: if the data do not suffice, or do not tell what is asked of them.
        """
        data, generator = self.original, self.seed.child("pools").torch()
        if isinstance(members, str):
            if data.is_member is None:
                message = "the data do not tell which samples are members"
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

    def auditor(
        self,
        events: EventLog,
        *,
        uncompressed: Classifier | None = None,
        versions: Mapping[str, Classifier] = MappingProxyType({}),
    ) -> Auditor:
        """Return the auditor of finished models, with other versions if an attack needs them.

        Args:
            events: receives each attack.
            uncompressed: the model that compression started from.
            versions: the compressed models that an adversary may hold several of, by id, those
                that are returned first in front.
        """
        return Auditor(
            self.audit_attacks,
            self.metrics,
            dataset=self.dataset,
            pools=self.pools,
            create=self.registry.create,
            events=events,
            seed=self.seed.child("audit"),
            prior=self.spec.audit.prior,
            uncompressed=uncompressed,
            versions=versions,
        )

    @cached_property
    def data_identity(self) -> dict[str, str]:
        """Hashes of samples, pools and names."""
        return identity_of_data(self.dataset, self.pools, self.spec.task.data)

    @cached_property
    def externals(self) -> dict[str, dict[str, str]]:
        """Hashes of the files and code that components read, by section of the spec."""
        return identity_of_components(self.spec)

    def identity(self) -> dict[str, str]:
        """Hashes of everything outside the spec that decides the results."""
        found = {
            **self.data_identity,
            **identity_of_plugins(self.loaded.resolved, self.registry),
        }
        for section in self.externals.values():
            found |= section
        return found

    def describe_pools(self) -> dict[str, Any]:
        """Sizes and fingerprints, JSON-ready."""
        fingerprints = self.pools.fingerprints(self.dataset)
        return {
            pool.name: {
                "members": len(pool.members),
                "non_members": len(pool.non_members),
                "fingerprint": fingerprints[pool.name],
            }
            for pool in self.pools
        }
