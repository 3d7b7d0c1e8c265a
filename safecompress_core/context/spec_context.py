"""Spec context: data, pools, metrics and attackers of a spec, for runs and audits alike.

A context is composed of parts: the spec, the seed and the samples. Contexts differ in the parts
that they are built with: a reference model has other pools and another seed, a timing has made-up
samples. A run (`RunContext`) and an audit (`AuditContext`) add what else they need.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import AttackerParams, MetricDef, Need, component_id
from safecompress_core.audit.auditor import Auditor
from safecompress_core.audit.blind_baseline import blind_baseline
from safecompress_core.context.samples import Samples
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.games.measures.epsilon_bound import GuessOptions
from safecompress_core.games.play import Attack
from safecompress_core.host import Registry
from safecompress_core.metric import Metric, SampleMetric
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.environment import pick_device
from safecompress_core.results.events import EventLog
from safecompress_core.results.identity import (
    identity_of_components,
    identity_of_data,
    identity_of_gates,
    identity_of_plugins,
)
from safecompress_core.results.schema import BlindBaselineRecord
from safecompress_core.seeding import Seed
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.components import definition_of

__all__ = ["SpecContext"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SpecContext:
    """A spec with what every audit needs of it, loaded and built when first used.

    Attributes:
        loaded: the spec as it was read.
        registry: what its components are made of.
        seed: where all randomness starts.
        samples: data and pools.
        selecting: the attackers that test candidates; an audit has none.
    """

    loaded: LoadedSpec[Any]
    registry: Registry
    seed: Seed
    samples: Samples
    selecting: Sequence[AttackerParams] = ()

    @property
    def spec(self) -> Any:
        """The spec as it was validated."""
        return self.loaded.spec

    @property
    def original(self) -> Dataset:
        """The data as the model takes them."""
        return self.samples.original

    @property
    def dataset(self) -> Dataset:
        """The data that the model is asked about."""
        return self.samples.dataset

    @property
    def pools(self) -> SamplePools:
        """Return the pools, split once."""
        return self.samples.pools

    @cached_property
    def attacks(self) -> tuple[Attack, ...]:
        """Return the attacks that test candidates, if any."""
        return tuple(self.build_attacks(self.selecting))

    @cached_property
    def device(self) -> torch.device:
        """Return the device of the networks."""
        return pick_device(self.spec.device)

    @property
    def sample(self) -> Tensor:
        """An input of the model, shape (1, ...)."""
        # One row: lazy inputs are read only where needed.
        return self.dataset.inputs[torch.tensor([0])]

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """By the names that gates use."""
        return {component_id(params): self.registry.create(params) for params in self.spec.metrics}

    @property
    def metric_definitions(self) -> Mapping[str, MetricDef]:
        """By the names that gates use."""
        return {component_id(params): definition_of(params) for params in self.spec.metrics}

    @property
    def metric_needs(self) -> frozenset[Need]:
        """What the metrics need, all together."""
        return frozenset[Need]().union(*(each.needs for each in self.metric_definitions.values()))

    @cached_property
    def performance(self) -> tuple[str, SampleMetric]:
        """The metric that counts as performance: the first one that is a mean over samples."""
        # The first one counts, so the order in the spec matters.
        return next(
            (name, metric)
            for name, metric in self.metrics.items()
            if isinstance(metric, SampleMetric)
        )

    @cached_property
    def audit_attacks(self) -> tuple[Attack, ...]:
        """Return the attacks of the audit."""
        return tuple(self.build_attacks(self.spec.audit.attackers))

    @cached_property
    def blind_baseline(self) -> BlindBaselineRecord:
        """Classify members and non-members of the pools without the model, once."""
        return blind_baseline(
            self.dataset,
            self.pools,
            seed=self.seed.child("blind"),
            accept_shift=self.spec.audit.accept_shift,
        )

    def build_attacks(self, declared: Iterable[AttackerParams]) -> Iterable[Attack]:
        """Attackers as a spec declares them."""
        for params in declared:
            yield Attack.from_params(params, self.registry)

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
            # A branch of its own: attacks of the audit share no draw with selection.
            seed=self.seed.child("audit"),
            prior=self.spec.audit.prior,
            min_risk=self.spec.audit.min_risk,
            guesses=GuessOptions(
                shares=tuple(self.spec.audit.epsilon.guesses), delta=self.spec.audit.epsilon.delta
            ),
            uncompressed=uncompressed,
            versions=versions,
            metric_needs=self.metric_needs,
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
        identity = {
            **self.data_identity,
            **identity_of_plugins(self.loaded.resolved, self.registry),
            **identity_of_gates(self.spec.gate),
        }
        for section in self.externals.values():
            identity |= section
        return identity

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
