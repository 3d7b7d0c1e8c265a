"""Attacks of every game on an untrained network."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from safecompress_core.api import WHITE_BOX, AttackerDef, AttackerParams, Need
from safecompress_core.attacks.observed_pool import ObservedPool, observe_pool
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.games.evasion import EvasionGame
from safecompress_core.games.extraction import ExtractionGame
from safecompress_core.games.inversion import InversionGame
from safecompress_core.games.manifest import EVASION, EXTRACTION, INVERSION
from safecompress_core.games.play import Attack
from safecompress_core.networks.classifier import Classifier

GAMES = {
    "evasion": EvasionGame(EVASION),
    "inversion": InversionGame(INVERSION),
    "extraction": ExtractionGame(EXTRACTION),
}


@pytest.fixture
def sights(
    network: Callable[..., Classifier], digits: Dataset, pools: SamplePools
) -> tuple[ObservedPool, ObservedPool]:
    """Attack-train and audit as an untrained network shows them."""
    made = network()
    return observe_pool(made, digits, pools.attack_train), observe_pool(made, digits, pools.audit)


@pytest.fixture
def played() -> Callable[..., Any]:
    """Fits an attacker on the first of two pools and runs it on the second, with all access."""

    def play(
        attacker: Any,
        game: str,
        params: AttackerParams,
        sights: tuple[ObservedPool, ObservedPool],
        needs: frozenset[Need] = WHITE_BOX,
    ) -> Any:
        definition = AttackerDef(
            name="made-up",
            params=type(params),
            target="nowhere:Nothing",
            summary="Made up.",
            game=game,
            needs=needs,
        )
        attack = Attack(id="made-up", game=GAMES[game], definition=definition, params=params)
        known, asked = sights
        attacker.fit(attack.adversary_knowledge(known, is_known=True), generator=torch.Generator())
        return attack.run_attack(attacker, known, asked)

    return play
