"""Scores of records: whose they are, how they rank, and how much hangs on the reference models."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.observed_pool import observe_pool
from safecompress_core.attacks.reference_answers import ReferenceAnswers, assign_folds
from safecompress_core.audit.scored_records import score_records, scores_without_references
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.games.measures.record_scores import RecordScores
from safecompress_core.networks.classifier import Classifier
from safecompress_core.stats.record_risk import RiskCalibration, draw_folds


def result(scores: np.ndarray, is_member: np.ndarray, spies: Any) -> AttackResult:
    """A membership attack with such scores, calibrated."""
    game = spies.attack("reader").game
    measured: AttackResult = game.measure(scores, is_member, threshold=0.0)
    folds = draw_folds(is_member, generator=np.random.default_rng(0))
    calibration = RiskCalibration.fit(scores, is_member, folds=folds)
    return replace(measured, record_scores=RecordScores(scores=scores, calibration=calibration))


def test_positions_are_those_before_copies_were_removed(
    digits: Dataset, pools: SamplePools, network: Callable[..., Classifier], spies: Any
) -> None:
    """Of a data set that has lost its first hundred samples; labels by name, members first."""
    left = digits.take(torch.arange(100, len(digits)))
    pool = replace(pools.audit, members=torch.tensor([0, 3]), non_members=torch.tensor([1, 2, 9]))
    asked = observe_pool(network(), left, pool)
    scores = np.array([0.1, 0.9, 0.3, 0.3, -np.inf])

    found = score_records(
        spies.attack("reader"), result(scores, pool.is_member.numpy(), spies), asked, model="m"
    )

    assert found is not None
    assert (found.model, found.attack, found.game) == ("m", "reader", "membership")
    assert found.position.tolist() == [100, 103, 101, 102, 109]
    assert found.member.tolist() == [True, True, False, False, False]
    assert found.label.tolist() == [digits.classes[digits.labels[row]] for row in found.position]
    assert found.rank.tolist() == [4, 1, 2, 2, 5]
    assert np.isnan(found.risk_low).all()


def test_an_inverted_attack_ranks_low_scores_first(
    digits: Dataset, pools: SamplePools, network: Callable[..., Classifier], spies: Any
) -> None:
    """Where its whole interval is under one half: an adversary negates it."""
    is_member = pools.audit.is_member.numpy()
    scores = -(is_member + np.linspace(0, 0.5, len(is_member)))

    found = score_records(
        spies.attack("reader"),
        result(scores, is_member, spies),
        observe_pool(network(), digits, pools.audit),
        model="m",
    )

    assert found is not None
    assert found.member[found.rank.argsort()][: is_member.sum()].all()
    assert np.median(found.risk[found.member]) > 0.9
    assert np.median(found.risk[~found.member]) < 0.1


def test_the_interval_over_references_holds_the_risk_of_the_score(
    digits: Dataset, pools: SamplePools, network: Callable[..., Classifier], spies: Any
) -> None:
    """And is a point where all references agree; of an infinite score nothing is known."""
    is_member = pools.audit.is_member.numpy()
    scores = is_member + np.random.default_rng(0).normal(size=len(is_member))
    scores[0] = np.inf
    noise = np.random.default_rng(1).normal(size=(4, len(scores)), scale=0.3)
    noise[:, 1] = 0.0

    found = score_records(
        spies.attack("reader"),
        result(scores, is_member, spies),
        observe_pool(network(), digits, pools.audit),
        model="m",
        without_group=list(scores + noise),
    )

    assert found is not None
    assert (found.risk_low <= found.risk + 1e-12).all()
    assert (found.risk <= found.risk_high + 1e-12).all()
    assert found.risk_low[1] == found.risk_high[1] == found.risk[1]
    assert (found.risk_low[0], found.risk_high[0]) == (0.0, 1.0)
    assert (found.risk_high - found.risk_low).mean() > 0.1


def knowledge(digits: Dataset, network: Classifier, models: int) -> AdversaryKnowledge:
    """Forty digits as a network and as some reference models show them."""
    rows = torch.arange(40)
    labels = digits.labels[rows]
    generator = torch.Generator().manual_seed(0)
    return AdversaryKnowledge(
        seen=observe(network, digits.inputs[rows], labels),
        truth=None,
        values=2,
        references=ReferenceAnswers(
            torch.randn(models, 40, 10, generator=generator),
            assign_folds(labels, members=20, count=models, generator=generator),
            labels,
        ),
    )


def count_in(known: AdversaryKnowledge, asked: AdversaryKnowledge) -> Tensor:
    """Score each sample by the number of reference models."""
    assert known.references is not None
    assert asked.references is not None
    assert len(known.references) == len(asked.references)
    return torch.full((40,), len(asked.references))


@pytest.mark.parametrize(
    ("models", "left"), [(16, [14] * 8), (32, [28] * 8), (6, [4] * 3), (4, []), (2, [])]
)
def test_groups_of_references_are_left_out_in_turn(
    digits: Dataset, network: Callable[..., Classifier], models: int, left: list[int]
) -> None:
    """Eight at most, of two models or more; with fewer than three groups there is no interval."""
    both = knowledge(digits, network(), models)

    found = scores_without_references(count_in, both, both)

    assert [int(scores[0]) for scores in found] == left


def test_no_interval_where_a_sample_would_be_in_all_models_or_in_none(
    digits: Dataset, network: Callable[..., Classifier]
) -> None:
    """Attacks could not score it."""
    both = knowledge(digits, network(), 8)
    assert both.references is not None
    is_in = both.references.is_in.clone()
    is_in[:, 5] = torch.arange(8) == 0
    rare = replace(both, references=replace(both.references, is_in=is_in))

    assert scores_without_references(count_in, rare, rare) == []
    assert scores_without_references(count_in, replace(both, references=None), both) == []
