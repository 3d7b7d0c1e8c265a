"""Judges finished models: fresh attackers that selected nothing, on a pool that nothing has seen.

The audit is no part of what a method is given, so no method can look at it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor

from safecompress_core.api import Game, Params
from safecompress_core.dataset import Dataset
from safecompress_core.engine.attack import Attack, look
from safecompress_core.engine.examiner import DRAWS
from safecompress_core.engine.journal import Journal
from safecompress_core.engine.metric import Metric, Subject
from safecompress_core.network import Classifier
from safecompress_core.privacy.attacker import Attacker, Evidence
from safecompress_core.privacy.controls import null_control
from safecompress_core.privacy.pools import Pools
from safecompress_core.privacy.resampling import Resampling
from safecompress_core.seeding import Seed

__all__ = ["Auditor"]


class Auditor:
    """Holds the audit's attacks, the metrics and the pools.

    Every model is attacked by attackers that start from the same generators: what differs between
    two audits is the model.
    """

    def __init__(
        self,
        attacks: Sequence[Attack],
        metrics: Mapping[str, Metric],
        *,
        dataset: Dataset,
        pools: Pools,
        create: Callable[[Params], Any],
        journal: Journal,
        seed: Seed,
    ) -> None:
        self._attacks = attacks
        self._metrics = metrics
        self._dataset = dataset
        self._pools = pools
        self._resampling = Resampling.stratified(
            pools.audit.is_member.numpy(), draws=DRAWS, generator=seed.child("resampling").numpy()
        )
        self._create = create
        self._journal = journal
        self._seed = seed

    def judge(self, network: Classifier, *, name: str, file_bytes: int) -> dict[str, Any]:
        """Metrics and attacks on the audit pool, JSON-ready.

        Args:
            network: the model.
            name: what events call it.
            file_bytes: size of its file.
        """
        known = look(network, self._dataset, self._pools.attack_train)
        asked = look(network, self._dataset, self._pools.audit)
        subject = Subject(unseen=asked.unseen, file_bytes=file_bytes)
        audit: dict[str, Any] = {}
        for attack in self._attacks:
            attacker: Attacker = self._create(attack.params)
            attacker.fit(
                attack.evidence(known, is_known=True),
                generator=self._seed.child("fit", attack.id).torch(),
            )
            judgement = attack.judged(attacker, known, asked, self._resampling)
            audit[attack.id] = judgement.to_json()
            self._journal.tell(
                "attack_finished",
                phase="audit",
                model=name,
                attacker=attack.id,
                advantage=judgement.advantage.value,
            )
        metrics = {
            metric_name: {"value": estimate.value, "interval": list(estimate.interval)}
            for metric_name, metric in self._metrics.items()
            for estimate in (metric.measure(subject),)
        }
        return {"metrics": metrics, "audit": audit}

    def null_control(self, network: Classifier) -> dict[str, Any]:
        """By membership attack, what it finds where membership was drawn by lot, JSON-ready."""
        known = look(network, self._dataset, self._pools.attack_train)
        asked = look(network, self._dataset, self._pools.audit)
        return {
            attack.id: null_control(
                partial(self._scores, attack),
                known.seen.restricted(attack.definition.access),
                known.pool.is_member,
                asked.seen.restricted(attack.definition.access),
                asked.pool.is_member,
                generator=self._seed.child("lots", attack.id).torch(),
            ).to_json()
            for attack in self._attacks
            if attack.definition.game is Game.MEMBERSHIP
        }

    def _scores(self, attack: Attack, known: Evidence, asked: Evidence) -> Tensor:
        attacker: Attacker = self._create(attack.params)
        attacker.fit(known, generator=self._seed.child("fit", attack.id).torch())
        return attacker.score(asked)
