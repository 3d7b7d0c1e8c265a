"""Exported file next to its model: answers, performance and attacks, against numpy's figures."""

from typing import Any

import numpy as np
import pytest
import torch

from safecompress_core.api import ExporterParams
from safecompress_core.export.comparison import (
    compare_answers,
    compare_attacks,
    compare_performance,
)
from safecompress_core.games.attack_result import UnitResult
from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.resampling import Resampling

LOGITS = torch.tensor([[3.0, 1.0, 0.0], [0.0, 2.0, 1.0], [1.0, 1.0005, 0.0], [0.0, 0.0, 5.0]])


def test_equal_answers_agree() -> None:
    """With no difference at all."""
    agreement = compare_answers(LOGITS, LOGITS.clone(), ExporterParams())

    assert agreement.passed
    assert (agreement.samples, agreement.agreement, agreement.largest_difference) == (4, 1, 0)


def test_a_tie_may_be_broken_either_way() -> None:
    """The third sample's logits differ by less than the tolerance, so that its label may change."""
    other = LOGITS.clone()
    other[2] = torch.tensor([1.0006, 1.0, 0.0])
    agreement = compare_answers(LOGITS, other, ExporterParams())

    assert (agreement.ties, agreement.agreement, agreement.passed) == (1, 1, True)
    assert agreement.largest_difference == pytest.approx(6e-4, rel=1e-2)
    assert agreement.mean_difference == pytest.approx((6e-4 + 5e-4) / 12, rel=1e-2)


@pytest.mark.parametrize(
    ("change", "params", "passes"),
    [
        (0.01, {}, False),
        (0.01, {"tolerance": 0.02}, True),
        (0.01, {"tolerance": None}, True),
        (3.0, {"tolerance": None}, False),
        (3.0, {"tolerance": None, "agreement": 0.75}, True),
        (3.0, {"tolerance": None, "agreement": 0.76}, False),
    ],
)
def test_tolerance_and_agreement_decide(
    change: float, params: dict[str, Any], passes: bool
) -> None:
    """A large change flips the first sample of four, a small one none."""
    other = LOGITS.clone()
    other[0, 1] += change
    agreement = compare_answers(LOGITS, other, ExporterParams(**params))

    assert agreement.passed is passes
    assert agreement.agreement == (0.75 if change > 2 else 1)


def test_a_file_is_compared_with_itself_without_a_difference(run_model: Any) -> None:
    """Every attack that sees the same has the same result, with an interval of no width."""
    from safecompress_core.attacks.observed_pool import observe_pool
    from safecompress_core.export.answering_model import AnsweringModel, missing_needs
    from safecompress_core.results.events import EventLog

    context = run_model.run_context
    network = AnsweringModel(run_model.network)
    pools = (context.pools.attack_train, context.pools.audit)
    known, asked = (observe_pool(network, context.dataset, pool) for pool in pools)
    attacks = [attack for attack in context.audit_attacks if not missing_needs(attack)]
    results = context.auditor(EventLog()).attack_results(attacks, known, asked)
    resampling = Resampling.draw_stratified(
        asked.pool.is_member.numpy(), draws=50, generator=np.random.default_rng(0)
    )
    compared = compare_attacks(results, results, resampling=resampling)
    performance = compare_performance(asked, asked, context.performance[1], resampling=resampling)
    recorded = run_model.results

    assert compared.keys() == {"loss-threshold"}
    for name, attack in compared.items():
        assert attack.advantage.difference == 0
        assert attack.advantage.interval == (0, 0)
        # The run itself has found the same, with the same attackers.
        assert attack.advantage.exported.value == pytest.approx(recorded.audit[name].advantage)
        assert attack.auc is not None
        assert attack.auc.exported.value == pytest.approx(
            recorded.audit[name].estimate("auc").value
        )
    assert performance.exported.value == pytest.approx(recorded.metrics["accuracy"].value)


def test_a_game_of_units_has_a_difference_without_an_interval() -> None:
    """Its result is no mean over the pool's samples."""
    before, after = (
        UnitResult(
            game="inversion", units="classes", count=3, baseline=1.0, advantage=Estimate(one, 0, 1)
        )
        for one in (0.25, 0.5)
    )
    resampling = Resampling(np.ones((3, 4), dtype=np.int32))
    [attack] = compare_attacks({"it": before}, {"it": after}, resampling=resampling).values()

    assert (attack.advantage.difference, attack.advantage.interval, attack.auc) == (
        0.25,
        None,
        None,
    )
