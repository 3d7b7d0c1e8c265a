"""Judges finished models: fresh attackers that selected nothing, on a pool that nothing has seen.

The audit is no part of what a method is given, so no method can look at it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from torch import Tensor

from safecompress_core.api import Need, Params
from safecompress_core.attacks.adversary import Attacker
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.audit.fresh_attackers import FreshAttackers
from safecompress_core.audit.measurement import (
    Measured,
    Measurement,
    ModelAudit,
    find_exposed,
    record_estimate,
)
from safecompress_core.audit.membership_controls import MembershipControls
from safecompress_core.audit.pool_observer import PoolObserver
from safecompress_core.audit.scored_records import score_records, scores_without_references
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.games.attack_result import AttackResult, GameResult
from safecompress_core.games.measures.epsilon_bound import GUESSES, GuessOptions, MatchedPairs
from safecompress_core.games.measures.membership_details import PRIOR, DetailOptions
from safecompress_core.games.measures.record_scores import MIN_RISK
from safecompress_core.games.play import Attack, ObservedPool
from safecompress_core.metric import Metric
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.events import EventLog
from safecompress_core.results.schema import (
    AnyAttackRecord,
    AuditRecord,
    parse_attack,
)
from safecompress_core.results.score_file import ScoredRecords
from safecompress_core.seeding import Seed
from safecompress_core.stats.record_risk import draw_folds

__all__ = ["Auditor"]


class Auditor:
    """Holds the audit's attacks, the metrics and the pools; for attacks on several models those.

    Every model is attacked by attackers that start from the same generators: what differs between
    two audits is the model.

    Attributes:
        measurement: of models by the metrics.
        controls: of the attacks on membership.
    """

    def __init__(
        self,
        attacks: Sequence[Attack],
        metrics: Mapping[str, Metric],
        *,
        dataset: Dataset,
        pools: SamplePools,
        create: Callable[[Params], Any],
        events: EventLog,
        seed: Seed,
        prior: float = PRIOR,
        min_risk: float = MIN_RISK,
        guesses: GuessOptions = GUESSES,
        uncompressed: Classifier | None = None,
        versions: Mapping[str, Classifier] = MappingProxyType({}),
        metric_needs: frozenset[Need] = frozenset(),
    ) -> None:
        self._attacks = attacks
        self.measurement = Measurement(metrics=metrics, seed=seed.child("metrics"), create=create)
        self._observer = PoolObserver(
            dataset=dataset,
            pools=pools,
            attacks=attacks,
            metric_needs=metric_needs,
            uncompressed=uncompressed,
            versions=versions,
        )
        self._attackers = FreshAttackers(create=create, seed=seed)
        self.controls = MembershipControls(
            attacks=attacks, observer=self._observer, attackers=self._attackers
        )
        self._pools = pools
        self._seed = seed
        self._detail_options = DetailOptions(
            # Pairs are drawn before any attack is examined, or the bound would not hold.
            pairs=MatchedPairs.match_randomly(
                pools.audit.is_member.numpy(),
                dataset.labels[pools.audit.indices].numpy(),
                # A child for each purpose: the order of calls changes no draw.
                generator=seed.child("pairs").numpy(),
            ),
            names=dataset.classes,
            folds=draw_folds(pools.audit.is_member.numpy(), generator=seed.child("risk").numpy()),
            prior=prior,
            min_risk=min_risk,
            guesses=guesses,
        )
        self._events = events

    def audit(
        self,
        network: Classifier,
        *,
        name: str,
        file_bytes: int,
        references: ReferenceAnswers | None = None,
        version: str | None = None,
        exposed: Tensor | None = None,
    ) -> ModelAudit:
        """Measure and attack a model on the audit pool, and apart from it on canaries.

        Args:
            network: the model.
            name: what events and scores call it.
            file_bytes: size of its file; 0 without one.
            references: what reference models of its kind say of all samples.
            version: which of the compressed versions it is; None if it is none, and has no others
                next to it.
            exposed: which members count as exposed, shape (N₁,), bool; None for those that the
                attacks on this model say are.
        """
        look_at = partial(self._observer.observe, network, references=references, version=version)
        # Fitted on attack-train, reported on audit; both are disjoint from select.
        known, asked = look_at(self._pools.attack_train), look_at(self._pools.audit)
        apart = self._pools.canaries
        canaries = None if apart is None else look_at(apart)
        audit: dict[str, AnyAttackRecord] = {}
        scores: list[ScoredRecords] = []
        for attack in self._attacks:
            attacker, judgement = self._run_attack(
                attack, known, asked, detail_options=self._detail_options
            )
            values = judgement.to_json()
            if attacker.remarks:
                values["remarks"] = attacker.remarks
            # Only membership is planted in canaries, so other games have nothing to find there.
            if canaries is not None and attack.game.has_controls:
                judged = attack.measure(attacker, known, canaries)
                values["canaries"] = judged.to_json()
            # Parsed at once, so that a game that writes a wrong record fails here by name.
            audit[attack.id] = parse_attack(values)
            scores += self._score_records(attack, judgement, known, asked, model=name)
            self._events.emit(
                "attack_finished",
                phase="audit",
                model=name,
                attacker=attack.id,
                advantage=judgement.advantage.value,
            )
        if exposed is None:
            exposed = find_exposed(audit, scores)
        measured = self._measure(asked, network, file_bytes, exposed)
        content: dict[str, Any] = {"audit": audit}
        content["metrics"] = {n: record_estimate(e) for n, e in measured.estimates.items()}
        if measured.details:
            content["details"] = measured.details
        return ModelAudit(record=AuditRecord(**content), scores=tuple(scores), measured=measured)

    def measure(
        self,
        network: Classifier,
        *,
        file_bytes: int,
        exposed: Tensor | None,
        version: str | None = None,
    ) -> Measured:
        """Measure a model without attacks on it, where an earlier run has attacked it.

        Args:
            network: the model.
            file_bytes: size of its file.
            exposed: as in :meth:`audit`.
            version: likewise.
        """
        asked = self._observer.observe(network, self._pools.audit, references=None, version=version)
        return self._measure(asked, network, file_bytes, exposed)

    def _measure(
        self, asked: ObservedPool, network: Classifier, file_bytes: int, exposed: Tensor | None
    ) -> Measured:
        return self.measurement.measure(
            asked, network=network, file_bytes=file_bytes, exposed=exposed
        )

    def _score_records(
        self,
        attack: Attack,
        result: GameResult,
        known: ObservedPool,
        asked: ObservedPool,
        *,
        model: str,
    ) -> Iterator[ScoredRecords]:
        """Yield the scores of the audit pool's records, if the game scores them."""
        if not isinstance(result, AttackResult):
            return
        without_group = []
        if attack.game.has_controls and Need.REFERENCES in attack.needs:
            without_group = scores_without_references(
                partial(self._attackers.scores, attack),
                attack.adversary_knowledge(known, is_known=True),
                attack.adversary_knowledge(asked, is_known=False),
            )
        scored = score_records(attack, result, asked, model=model, without_group=without_group)
        if scored is not None:
            yield scored

    def attack_results(
        self, attacks: Sequence[Attack], known: ObservedPool, asked: ObservedPool
    ) -> dict[str, GameResult]:
        """Return the results of attacks by name; the attackers are those of an audit.

        Args:
            attacks: some of the audit's, none of which sees another model.
            known: attack-train, as a model shows it.
            asked: the audit pool, as the same model shows it.
        """
        return {attack.id: self._run_attack(attack, known, asked)[1] for attack in attacks}

    def _run_attack(
        self,
        attack: Attack,
        known: ObservedPool,
        asked: ObservedPool,
        *,
        detail_options: DetailOptions | None = None,
    ) -> tuple[Attacker, GameResult]:
        """Fit a fresh attacker on attack-train, and measure it on the audit pool."""
        attacker = self._attackers.fit(attack, attack.adversary_knowledge(known, is_known=True))
        result = attack.run_attack(
            attacker,
            known,
            asked,
            detail_options=detail_options,
            seed=self._seed.child("play", attack.id),
        )
        return attacker, result
