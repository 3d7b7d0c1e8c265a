"""Observations of the pools of an audit: of the model itself, and of others next to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from safecompress_core.api import Need
from safecompress_core.attacks.observations import Observations
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool, SamplePools
from safecompress_core.games.play import Attack, ObservedPool, observe_pool
from safecompress_core.networks.classifier import Classifier

__all__ = ["PoolObserver"]


@dataclass(frozen=True, eq=False, kw_only=True)
class PoolObserver:
    """Observes pools as models show them; other models than the audited one once.

    Attributes:
        dataset: that the pools are of.
        pools: of a run or an audit.
        attacks: those of the audit.
        metric_needs: what the metrics need, all together.
        uncompressed: the model that compression started from.
        versions: the compressed models that an adversary may hold several of, by id.
    """

    dataset: Dataset
    pools: SamplePools
    attacks: Sequence[Attack]
    metric_needs: frozenset[Need]
    uncompressed: Classifier | None
    versions: Mapping[str, Classifier]
    # By version and pool: attacks on several versions share these observations.
    _shown: dict[tuple[str, str], Observations] = field(default_factory=dict, init=False)

    def observe(
        self,
        network: Classifier,
        pool: Pool,
        *,
        references: ReferenceAnswers | None,
        version: str | None,
    ) -> ObservedPool:
        """Observe a pool as a model shows it, and as others do next to it where that is asked for.

        Args:
            network: the model.
            pool: one of the pools.
            references: what reference models of its kind say of all samples.
            version: which of the compressed versions it is; None if it has no others next to it.
        """
        # A model that is no version has none next to it.
        others = () if version is None else (name for name in self.versions if name != version)
        return replace(
            observe_pool(network, self.dataset, pool, references),
            uncompressed=self._uncompressed_observations.get(pool.name),
            versions=tuple(self._observe_version(name, pool) for name in others),
        )

    def _observe_version(self, name: str, pool: Pool) -> Observations:
        """Observe a compressed version on a pool once, for all models and attacks."""
        key = name, pool.name
        if key not in self._shown:
            self._shown[key] = observe_pool(self.versions[name], self.dataset, pool).seen
        return self._shown[key]

    @cached_property
    def _uncompressed_observations(self) -> Mapping[str, Observations]:
        """By pool what the uncompressed model shows, observed once for all models and attacks."""
        network = self.uncompressed
        needs = (self.metric_needs, *(attack.needs for attack in self.attacks))
        if network is None or not any(Need.UNCOMPRESSED in each for each in needs):
            return {}
        # Without select: the audit never reads that pool.
        pools = (pool for pool in self.pools if pool is not self.pools.select)
        return {pool.name: observe_pool(network, self.dataset, pool).seen for pool in pools}
