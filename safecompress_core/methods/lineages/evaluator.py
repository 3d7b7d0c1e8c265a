"""Tests models with the attackers of the spec, on the *select* pool.

- Attackers are trained once on a round's trained model; for each candidate a copy of them learns on
  from there, from the same generator, so that two candidates differ by their models alone.
- An attack that compares with a swap twin is measured on the samples that model and twin exchanged.
- An attack on membership that is not fitted counts with the strongest threshold attack.
"""

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from safecompress_core.api import Access, Need, Params
from safecompress_core.attacks.adversary import Attacker
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool, SamplePools
from safecompress_core.games.attack_result import AttackResult, ComparedResult, UnitResult
from safecompress_core.games.controls.threshold_attacks import compare_attacks, threshold_attacks
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.games.membership import MembershipGame
from safecompress_core.games.play import Attack, ObservedPool, observe_pool
from safecompress_core.games.scores import AttackScores
from safecompress_core.metric import Metric, SampleMetric, Subject
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.events import EventLog
from safecompress_core.seeding import Seed
from safecompress_core.stats.resampling import Resampling

__all__ = ["CandidateEvaluator", "Evaluation", "FittedAttackers"]

FittedAttackers = Mapping[str, Attacker]
"""Fitted attackers by id."""

THRESHOLD_ACCESS = Access.BLACK_BOX

DRAWS = 1000
"""Bootstrap draws behind every comparison; their own noise is a thirtieth of an interval's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Evaluation of one model.

    Attributes:
        performance: what each non-member of the pool contributes to the task metric, shape (N₀,).
        results: by attack id, what counts: the attacker's own, or that of a cheap attack which
            is significantly stronger.
        outperformed: by attack id, the name of that cheap attack and the attacker's own judgement;
            None for an attacker that was not fitted.
    """

    performance: NDArray[np.float64]
    results: Mapping[str, ComparedResult]
    outperformed: Mapping[str, tuple[str, ComparedResult | None]]

    def to_json(self) -> dict[str, Any]:
        """The judgements that count; ``outdone_by`` names the cheap attack where it is its own."""
        document = {}
        for name, result in self.results.items():
            better, weaker = self.outperformed.get(name, (None, None))
            document[name] = {
                **result.to_json(),
                "outdone_by": better,
                "own_advantage": weaker and weaker.advantage.value,
            }
        return document


class CandidateEvaluator:
    """Holds the attacks of a spec and the pools that selection may use.

    Attributes:
        is_member: of each sample of the pool that selects, shape (N,).
        measures: by id, the device measures that the rule that chooses counts as costs.
    """

    def __init__(
        self,
        attacks: Sequence[Attack],
        metric: SampleMetric,
        *,
        dataset: Dataset,
        pools: SamplePools,
        create: Callable[[Params], Any],
        events: EventLog,
        seed: Seed,
        exchanged: Pool | None = None,
        measures: Mapping[str, Metric] = MappingProxyType({}),
    ) -> None:
        self._attacks = tuple(attacks)
        self._metric = metric
        self._dataset = dataset
        assert pools.select is not None  # a method that chooses has a pool to choose on
        self._known = pools.attack_train
        self._asked = pools.select
        self._create = create
        self._events = events
        self._seed = seed
        self.is_member: NDArray[np.bool_] = pools.select.is_member.numpy()
        self._exchanged = exchanged
        self._resamplings_of_units: dict[int, Resampling] = {}
        self.measures = measures

    @cached_property
    def resampling(self) -> Resampling:
        """Return the draws on which all candidates of all rounds are compared."""
        # When first used: most methods compare nothing, and this is the largest array of a run.
        return Resampling.draw_stratified(
            self.is_member, draws=DRAWS, generator=self._seed.child("resampling").numpy()
        )

    @cached_property
    def _resampling_of_exchanged(self) -> Resampling:
        # The same draws as for all other attacks, so that objectives of a draw belong together.
        return self.resampling.take(self._positions.numpy())

    def _resampling_of_units(self, count: int) -> Resampling:
        # Drawn once: every figure of every model is read on the same draws.
        if count not in self._resamplings_of_units:
            generator = self._seed.child("resampling", "units").numpy()
            self._resamplings_of_units[count] = Resampling.draw_stratified(
                np.zeros(count), draws=DRAWS, generator=generator
            )
        return self._resamplings_of_units[count]

    @cached_property
    def _positions(self) -> torch.Tensor:
        """Where the exchanged samples are within the pool, shape (N,), int64."""
        assert self._exchanged is not None
        place = torch.full((len(self._dataset.labels),), -1)
        place[self._asked.indices] = torch.arange(len(self._asked))
        return place[self._exchanged.indices]

    @property
    def attacks(self) -> tuple[str, ...]:
        """Ids of the attacks."""
        return tuple(attack.id for attack in self._attacks)

    @property
    def games(self) -> tuple[str, ...]:
        """The game that each of them plays."""
        return tuple(attack.game.name for attack in self._attacks)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Their weights, shape (A,)."""
        return np.array([attack.params.weight for attack in self._attacks], dtype=np.float64)

    def resampling_of(self, attack: str, result: ComparedResult) -> Resampling:
        """Return the draws of the samples, or of the units, that an attack is measured on."""
        if isinstance(result, UnitResult):
            return self._resampling_of_units(result.count)
        is_exchanged = self._exchanged is not None and attack in self._twin_attacks
        return self._resampling_of_exchanged if is_exchanged else self.resampling

    @cached_property
    def _twin_attacks(self) -> frozenset[str]:
        return frozenset(attack.id for attack in self._attacks if Need.TWIN in attack.needs)

    @cached_property
    def trained_attacks(self) -> frozenset[str]:
        """Return the attacks on membership whose fitting trains a network."""
        return frozenset(
            attack.id
            for attack in self._attacks
            if attack.definition.is_trained and _has_threshold_attacks(attack)
        )

    def fit_attackers(
        self,
        network: Classifier,
        *,
        unit: str,
        twin: Classifier | None = None,
        spared: Collection[str] = (),
    ) -> FittedAttackers:
        """Train every attacker from scratch on a model.

        Args:
            network: the model of this round, before candidates are derived from it.
            unit: names the round and model; attackers draw from a generator of this name.
            twin: its swap twin, where an attack compares with one.
            spared: attacks that are not fitted; each must be one of ``trained_attacks``.
        """
        return self._fit(self._observe_known(network, twin), unit=unit, spared=spared)

    def evaluate(
        self,
        network: Classifier,
        fitted_attackers: FittedAttackers,
        *,
        unit: str,
        facts: Mapping[str, Any],
        twin: Classifier | None = None,
    ) -> Evaluation:
        """Let copies of the attackers learn on for this model, and judge them.

        Args:
            network: the candidate.
            fitted_attackers: what ``fit_attackers`` made of the model that it comes from.
            unit: as for ``fit_attackers``; the same for all candidates that are compared.
            facts: what events say of the candidate.
            twin: its swap twin, where an attack compares with one.
        """
        known = self._observe_known(network, twin)
        adapted: dict[str, Attacker] = {}
        for attack in self._attacks:
            if attack.id not in fitted_attackers:
                continue
            # Siblings must not learn from each other, so each candidate gets a copy.
            attacker = copy.deepcopy(fitted_attackers[attack.id])
            generator = self._seed.child("adapt", unit, attack.id).torch()
            attacker.adapt(attack.adversary_knowledge(known, is_known=True), generator=generator)
            adapted[attack.id] = attacker
        return self._judge(network, adapted, known, unit=unit, facts=facts, twin=twin)

    def fit_and_evaluate(
        self,
        network: Classifier,
        *,
        unit: str,
        facts: Mapping[str, Any],
        twin: Classifier | None = None,
        spared: Collection[str] = (),
    ) -> Evaluation:
        """Train every attacker from scratch on a model, and judge them on this very model.

        Args:
            network: the model.
            unit: as for ``fit_attackers``; the same for all models that are compared.
            facts: what events say of the model.
            twin: its swap twin, where an attack compares with one.
            spared: as for ``fit_attackers``.
        """
        known = self._observe_known(network, twin)
        fitted = self._fit(known, unit=unit, spared=spared)
        return self._judge(network, fitted, known, unit=unit, facts=facts, twin=twin)

    def subject(self, network: Classifier, *, file_bytes: int) -> Subject:
        """Return what metrics measure a model by, on the pool that selects."""
        return Subject(
            asked=observe_pool(network, self._dataset, self._asked),
            file_bytes=file_bytes,
            network=network,
            sample=self._dataset.inputs[torch.tensor([0])].to(network.device),
            seed=self._seed.child("measures"),
            create=self._create,
        )

    def _fit(
        self, known: ObservedPool, *, unit: str, spared: Collection[str]
    ) -> dict[str, Attacker]:
        fitted_attackers: dict[str, Attacker] = {}
        for attack in self._attacks:
            if attack.id in spared:
                continue
            attacker: Attacker = self._create(attack.params)
            generator = self._seed.child("fit", unit, attack.id).torch()
            attacker.fit(attack.adversary_knowledge(known, is_known=True), generator=generator)
            fitted_attackers[attack.id] = attacker
        return fitted_attackers

    def _judge(
        self,
        network: Classifier,
        attackers: FittedAttackers,
        known: ObservedPool,
        *,
        unit: str,
        facts: Mapping[str, Any],
        twin: Classifier | None,
    ) -> Evaluation:
        """Measure attackers that have learned for this very model."""
        asked = observe_pool(network, self._dataset, self._asked)
        cheap = self._measure_threshold_attacks(known, asked)
        # A holder of the network sees logits before the output guard, so the rivals of white-box
        # attackers read those.
        held = (
            cheap
            if network.inside is network
            else self._measure_threshold_attacks(_without_guard(known), _without_guard(asked))
        )
        exchanged = asked if twin is None else self._observe_exchanged(asked, twin)
        judgements: dict[str, ComparedResult] = {}
        outdone: dict[str, tuple[str, ComparedResult | None]] = {}
        for attack in self._attacks:
            rivals = held if attack.definition.access.covers(Access.WHITE_BOX) else cheap
            own_result: ComparedResult | None = None
            if attack.id in attackers:
                own_result = attack.measure(
                    attackers[attack.id],
                    known,
                    exchanged if attack.id in self._twin_attacks else asked,
                    seed=self._seed.child("play", unit, attack.id),
                )
            better = self._stronger_threshold_attack(attack, own_result, rivals)
            if better:
                outdone[attack.id] = (better, own_result)
            result = rivals[better] if better else own_result
            assert result is not None  # an attack that is not fitted has a rival
            judgements[attack.id] = result
            self._emit(attack, result, better, facts)
        # float64, so that means of equal candidates compare equal.
        performance = self._metric.per_sample(asked.unseen).double().numpy()
        return Evaluation(performance=performance, results=judgements, outperformed=outdone)

    def _observe_known(self, network: Classifier, twin: Classifier | None) -> ObservedPool:
        """Observe attack-train, with a twin where there is one."""
        known = observe_pool(network, self._dataset, self._known)
        if twin is None:
            return known
        return replace(known, twin=observe_pool(twin, self._dataset, self._known).seen)

    def _observe_exchanged(self, asked: ObservedPool, twin: Classifier) -> ObservedPool:
        """Observe the exchanged samples of the pool with a twin."""
        assert self._exchanged is not None  # models have twins where an attack compares with them
        return replace(
            asked,
            pool=self._exchanged,
            seen=asked.seen.take(self._positions),
            twin=observe_pool(twin, self._dataset, self._exchanged).seen,
        )

    def _measure_threshold_attacks(
        self, known: ObservedPool, asked: ObservedPool
    ) -> dict[str, AttackResult]:
        """The attacks that need no training, judged like any other; none where none is needed."""
        if not any(map(_has_threshold_attacks, self._attacks)):
            return {}
        calibration = _threshold_attack_scores(known)
        game = MembershipGame(MEMBERSHIP)
        return {
            name: game.measure_scores(calibration[name], answers)
            for name, answers in _threshold_attack_scores(asked).items()
        }

    def _stronger_threshold_attack(
        self,
        attack: Attack,
        trained_result: ComparedResult | None,
        cheap: Mapping[str, AttackResult],
    ) -> str | None:
        """The strongest of the cheap attacks that are significantly stronger than a trained one.

        For an attack that was not trained, return the strongest of all.
        """
        if not _has_threshold_attacks(attack):
            return None
        if trained_result is None:
            return max(cheap, key=lambda name: cheap[name].advantage.value)
        assert isinstance(trained_result, AttackResult)  # of an attack on membership
        gains = {
            name: comparison.gain.value
            for name, result in cheap.items()
            for comparison in (compare_attacks(trained_result, result, self.resampling),)
            if comparison.is_stronger
        }
        return max(gains, key=lambda name: gains[name]) if gains else None

    def _emit(
        self, attack: Attack, result: ComparedResult, better: str | None, facts: Mapping[str, Any]
    ) -> None:
        self._events.emit(
            "attack_finished",
            phase="select",
            **facts,
            attacker=attack.id,
            accuracy=result.accuracy.value,
            advantage=result.advantage.value,
            outdone_by=better,
        )


def _has_threshold_attacks(attack: Attack) -> bool:
    """Return whether threshold attacks on posteriors are comparable with an attack.

    They play no other game, are no rivals of an attacker that sees labels alone, and no rivals of
    the data owner's own test with a twin, which is measured on other samples.
    """
    is_rival = attack.definition.access.covers(THRESHOLD_ACCESS) and Need.TWIN not in attack.needs
    return attack.game.name == MEMBERSHIP.name and is_rival


def _without_guard(observed: ObservedPool) -> ObservedPool:
    """Restrict a pool's observations to what a holder of the network sees."""
    return replace(observed, seen=observed.seen.restrict(Access.WHITE_BOX))


def _threshold_attack_scores(observed: ObservedPool) -> dict[str, AttackScores]:
    """Return the scores of the attacks that need no training."""
    return {
        name: AttackScores(
            scores=scores,
            truth=observed.pool.is_member,
            labels=observed.seen.labels,
            is_member=observed.pool.is_member,
        )
        for name, scores in threshold_attacks(observed.seen).items()
    }
