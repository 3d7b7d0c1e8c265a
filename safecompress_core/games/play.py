"""An attack of a spec: which attacker plays which game, with what evidence, on which pool."""

from dataclasses import dataclass
from typing import Any

from safecompress_core.api import AttackerDef, AttackerParams, Need, attribute_of, component_id
from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observed_pool import ObservedPool, observe_pool
from safecompress_core.games.attack_context import AttackRun
from safecompress_core.games.attack_result import (
    AttackResult,
    ComparedResult,
    GameResult,
    UnitResult,
)
from safecompress_core.games.game import Game
from safecompress_core.games.measures.membership_details import DetailOptions
from safecompress_core.host import Registry
from safecompress_core.seeding import Seed
from safecompress_core.specfile.models.components import attacker_of

__all__ = ["Attack", "ObservedPool", "observe_pool"]

NO_CHANCE = Seed(0)  # for games and callers that draw nothing while they attack


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An attack that a spec declares.

    Attributes:
        id: what results call it.
        game: what it plays.
        definition: its type.
        params: its parameters.
    """

    id: str
    game: Game
    definition: AttackerDef
    params: AttackerParams

    @classmethod
    def from_params(cls, params: AttackerParams, registry: Registry) -> "Attack":
        """The attack that the parameters of a spec describe."""
        definition = attacker_of(params)
        return cls(
            id=component_id(params),
            game=registry.create_game(definition.game),
            definition=definition,
            params=params,
        )

    @property
    def needs(self) -> frozenset[Need]:
        """What the attacker needs, and what its game does."""
        # An attack runs only where both its attacker and its game can, so needs add up.
        return self.definition.needs | self.game.definition.needs

    @property
    def attribute(self) -> str | None:
        """The attribute that it is after; None for an attack that is after none."""
        return attribute_of(self.params)

    def adversary_knowledge(self, observed: ObservedPool, *, is_known: bool) -> AdversaryKnowledge:
        """Return the attacker's knowledge of a pool; the truth only if it is entitled to it."""
        return self.game.adversary_knowledge(
            observed, self.definition, self.params, is_known=is_known
        )

    def measure(
        self,
        attacker: Any,
        known: ObservedPool,
        asked: ObservedPool,
        *,
        detail_options: DetailOptions | None = None,
        seed: Seed = NO_CHANCE,
    ) -> ComparedResult:
        """Measure a fitted attacker on a pool; for every game that compares candidates.

        Thresholds come from ``known`` alone. ``seed`` is of what chance there is while it attacks.
        """
        result = self.run_attack(attacker, known, asked, detail_options=detail_options, seed=seed)
        assert isinstance(result, AttackResult | UnitResult)  # checked in the spec
        return result

    def run_attack(
        self,
        attacker: Any,
        known: ObservedPool,
        asked: ObservedPool,
        *,
        detail_options: DetailOptions | None = None,
        seed: Seed = NO_CHANCE,
    ) -> GameResult:
        """The same for every game."""
        return self.game.play(
            AttackRun(
                definition=self.definition,
                params=self.params,
                attacker=attacker,
                known=known,
                asked=asked,
                seed=seed,
                detail_options=detail_options,
            )
        )
