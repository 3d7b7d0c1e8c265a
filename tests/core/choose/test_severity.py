"""Choosing by severity and commonality."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from safecompress_core.choose.aggregator import Objectives
from safecompress_core.choose.manifest import SeverityParams
from safecompress_core.choose.severity import Severity

Candidates = Callable[..., Objectives]
NAMES = {"attackers": ("twin", "probe"), "games": ("membership", "attribute")}


def severity(attacks: dict[str, Any], **values: Any) -> Severity:
    """The aggregator with some risks."""
    return Severity(SeverityParams.model_validate({"attacks": attacks, **values}))


def test_weights_are_severity_times_commonality_and_sum_to_1(candidates: Candidates) -> None:
    """Weights 4 · 2 and 1 · 2 are .8 and .2: 2 · 0.6 − .8 · 0.5 − .2 · 0.1 = 0.78."""
    attacks = {"membership": {"severity": 4, "commonality": 2}, "probe": {"commonality": 2}}

    utilities = severity(attacks, performance_weight=2).utilities(
        replace(candidates([0.6], [[0.5, 0.1]]), **NAMES)
    )

    assert utilities.tolist() == pytest.approx([0.78])


def test_an_attacker_has_precedence_and_takes_the_rest_from_its_game(
    candidates: Candidates,
) -> None:
    """Severity 3 of the game, commonality 2 of the attacker: weights 6 and 1."""
    attacks = {
        "membership": {"severity": 3, "commonality": 1},
        "twin": {"commonality": 2},
    }

    utilities = severity(attacks).utilities(replace(candidates([0.0], [[0.7, 0.0]]), **NAMES))

    assert utilities.tolist() == pytest.approx([-0.6])


def test_a_range_is_uniform_and_a_mode_makes_it_triangular(candidates: Candidates) -> None:
    """With the other at 1: E[s / (s + 1)] for s in [0, 4] is 1 − ln(5) / 4.

    With a mode at 0 the density is (4 − s) / 8, so it is 1.5 − 5 · ln(5) / 8, by the integral of
    s · (4 − s) / (8 · (s + 1)).
    """
    alone = replace(candidates([0.0], [[1.0, 0.0]]), **NAMES)
    uniform: dict[str, float] = {"low": 0, "high": 4}
    for spread, mean in (
        (uniform, 1 - np.log(5) / 4),
        (uniform | {"mode": 0}, 1.5 - 5 * np.log(5) / 8),
    ):
        (utility,) = severity({"twin": {"severity": spread}}, draws=100_000).utilities(alone)

        assert -utility == pytest.approx(mean, abs=0.003)


def test_win_share_is_the_share_of_draws_with_the_largest_utility(candidates: Candidates) -> None:
    """The first, which leaks membership, wins while s / (s + 1) < 1 / 2, a quarter of [0, 4]."""
    both = replace(candidates([0.5, 0.5], [[0.2, 0.0], [0.0, 0.2]]), **NAMES)
    aggregator = severity({"twin": {"severity": {"low": 0, "high": 4}}}, draws=100_000)

    assert aggregator.win_shares(both).tolist() == pytest.approx([0.25, 0.75], abs=0.005)


def test_equal_candidates_share_their_wins(candidates: Candidates) -> None:
    """No index is preferred."""
    alike = replace(candidates([0.5, 0.5, 0.1], [[0.2, 0.1]] * 3), **NAMES)
    aggregator = severity({"twin": {"severity": {"low": 0, "high": 4}}})

    assert aggregator.win_shares(alike).tolist() == [0.5, 0.5, 0.0]


def test_without_attacks_performance_decides(candidates: Candidates) -> None:
    """Nothing is divided by a sum of no weights."""
    aggregator = severity({"twin": {"severity": 2}})

    assert aggregator.utilities(candidates([0.4, 0.6], [[], []])).tolist() == [0.4, 0.6]
    assert aggregator.win_shares(candidates([0.4, 0.6], [[], []])).tolist() == [0, 1]


def test_one_entry_more_leaves_the_draws_of_others(candidates: Candidates) -> None:
    """Draws depend on what they are of, not on what was drawn before."""
    spread = {"severity": {"low": 1, "high": 4}}
    alone = replace(candidates([0.0], [[1.0, 0.0]]), **NAMES)

    first = severity({"twin": spread}).utilities(alone)
    second = severity({"attribute": {"severity": 1}, "twin": spread}).utilities(alone)

    assert first.tolist() == second.tolist()


def test_attacks_of_one_game_share_its_draws(candidates: Candidates) -> None:
    """A game's severity is one unknown, so that two of its attacks stay equal: .5 each."""
    games = {"attackers": ("twin", "probe"), "games": ("membership", "membership")}
    both = replace(candidates([0.0], [[1.0, 0.0]]), **games)

    (utility,) = severity({"membership": {"severity": {"low": 1, "high": 9}}}).utilities(both)

    assert utility == pytest.approx(-0.5)
