"""The built-in games keep to what games of plugins have to."""

from typing import Any

import numpy as np
import torch

from safecompress_core.games.attack_result import GameResult
from safecompress_core.games.manifest import (
    ATTRIBUTE,
    DEFINITIONS,
    EVASION,
    EXTRACTION,
    INVERSION,
    MEMBERSHIP,
)
from safecompress_core.games.measures.epsilon_bound import MatchedPairs
from safecompress_core.games.measures.membership_details import DetailOptions
from safecompress_core.games.scores import AttackScores
from safecompress_core.host import load_plugins
from safecompress_core.stats.record_risk import draw_folds
from safecompress_core.testing import GameConformance

N = 40
IS_MEMBER = np.arange(N) % 2 == 0


def test_core_registers_all_of_them() -> None:
    """Through the hook that plugins use."""
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry

    assert {one.name for one in DEFINITIONS} == set(registry.definitions(MEMBERSHIP.kind))


class TestMembership(GameConformance):
    """Scores of any origin are measured: no model is needed."""

    definition = MEMBERSHIP

    def example(self, game: Any) -> GameResult:
        scores = np.where(IS_MEMBER, 1.0, 0.0) + np.linspace(-0.6, 0.6, N)
        found: GameResult = game.measure(
            scores,
            IS_MEMBER,
            known=(scores, IS_MEMBER),
            detail_options=DetailOptions(
                pairs=MatchedPairs.match_randomly(
                    IS_MEMBER, np.zeros(N), generator=np.random.default_rng(0)
                ),
                names=("all",),
                folds=draw_folds(IS_MEMBER, generator=np.random.default_rng(0)),
            ),
        )
        return found


class TestAttribute(GameConformance):
    """The likeliest value counts, against the best guess without the model."""

    definition = ATTRIBUTE

    def example(self, game: Any) -> GameResult:
        truth = torch.arange(N) % 3
        scores = torch.nn.functional.one_hot(truth.roll(N // 4), 3).double()
        labels = torch.arange(N) % 5
        is_member = torch.from_numpy(IS_MEMBER)
        known = AttackScores(scores=scores, truth=truth, labels=labels, is_member=is_member)
        found: GameResult = game.measure(
            scores.numpy(), truth.numpy(), known=known, labels=labels, is_member=IS_MEMBER
        )
        return found


class TestEvasion(GameConformance):
    """Moved samples against samples with noise."""

    definition = EVASION

    def example(self, game: Any) -> GameResult:
        right = np.arange(N // 2) < 16
        found: GameResult = game.measure(
            right, np.arange(N // 2) < 3, np.arange(N // 2) < 12, is_member=IS_MEMBER
        )
        return found


class TestInversion(GameConformance):
    """Reconstructions against a mean."""

    definition = INVERSION

    def example(self, game: Any) -> GameResult:
        truth = np.linspace(0, 1, 24).reshape(4, 6)
        found: GameResult = game.measure(
            truth * 0.9, truth, truth.mean(axis=0), units="classes", width=1.0
        )
        return found


class TestExtraction(GameConformance):
    """Extraction: a clone against one that was trained on true labels."""

    definition = EXTRACTION

    def example(self, game: Any) -> GameResult:
        answers = np.arange(N // 2) % 4
        found: GameResult = game.measure(
            answers,
            np.where(np.arange(N // 2) < 18, answers, 0),
            np.where(np.arange(N // 2) < 9, answers, 0),
            most_frequent=0,
            is_member=IS_MEMBER,
        )
        return found
