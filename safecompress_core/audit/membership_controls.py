"""Controls of an audit's membership attacks: on a random membership, and on a planted leak."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.audit.fresh_attackers import FreshAttackers
from safecompress_core.audit.pool_observer import PoolObserver
from safecompress_core.data.pools import Pool
from safecompress_core.games.controls.null_control import null_control
from safecompress_core.games.controls.planted_control import (
    plant_in_references,
    plant_leak,
    planted_control,
)
from safecompress_core.games.play import Attack
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.schema import ControlRecord, ControlsRecord

__all__ = ["MembershipControls"]


@dataclass(frozen=True, eq=False, kw_only=True)
class MembershipControls:
    """The attacks whose outcome is known in advance.

    Attributes:
        attacks: those of the audit; only games with controls count.
        observer: of the pools.
        attackers: creates and fits them.
    """

    attacks: Sequence[Attack]
    observer: PoolObserver
    attackers: FreshAttackers

    def of(
        self,
        network: Classifier,
        *,
        references: ReferenceAnswers | None = None,
        version: str | None = None,
    ) -> ControlsRecord:
        """Return both controls on a model.

        Args:
            network: the model.
            references: what reference models of its kind say of all samples.
            version: which of the compressed versions it is; None if it is none.
        """
        return ControlsRecord(
            null=self._null(network, references, version),
            planted=self._planted(network, references, version),
        )

    @property
    def _pools(self) -> tuple[Pool, Pool]:
        return self.observer.pools.attack_train, self.observer.pools.audit

    def _observed(
        self, network: Classifier, references: ReferenceAnswers | None, version: str | None
    ) -> Iterator[tuple[Attack, AdversaryKnowledge, AdversaryKnowledge]]:
        """Yield each controlled attack with what it knows of attack-train, and of audit."""
        known, asked = (
            self.observer.observe(network, pool, references=references, version=version)
            for pool in self._pools
        )
        for attack in self.attacks:
            if attack.game.has_controls:
                yield (
                    attack,
                    attack.adversary_knowledge(known, is_known=True),
                    attack.adversary_knowledge(asked, is_known=True),
                )

    def _null(
        self, network: Classifier, references: ReferenceAnswers | None, version: str | None
    ) -> dict[str, ControlRecord]:
        """Return, by membership attack, its result on a random membership."""
        seed = self.attackers.seed
        return {
            # Through JSON: records are validated as they will be read.
            attack.id: ControlRecord.model_validate(
                null_control(
                    partial(self.attackers.scores, attack),
                    known,
                    asked,
                    generator=seed.child("lots", attack.id).torch(),  # codespell:ignore lots
                ).to_json()
            )
            for attack, known, asked in self._observed(network, references, version)
        }

    def _planted(
        self, network: Classifier, references: ReferenceAnswers | None, version: str | None
    ) -> dict[str, ControlRecord]:
        """Return, by membership attack, its result on a copy that leaks membership."""
        dataset = self.observer.dataset
        # Both pools: the attack must be able to learn the leak on attack-train.
        indices = torch.cat([pool.indices for pool in self._pools])
        leaky = plant_leak(
            network,
            dataset.inputs[indices],
            dataset.labels[indices],
            torch.cat([pool.is_member for pool in self._pools]),
        )
        # References leak in the same way, or a calibrated attack would not see the leak.
        leaking = None if references is None else plant_in_references(references)
        return {
            attack.id: ControlRecord.model_validate(
                planted_control(
                    partial(self.attackers.scores, attack),
                    known,
                    asked,
                ).to_json()
            )
            for attack, known, asked in self._observed(leaky, leaking, version)
        }
