"""Extraction: what a clone is measured by, and what an extractor is given."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score
from torch import Tensor

from safecompress_core.api import ExtractionAttackerParams
from safecompress_core.attacks.adversary import AdversaryKnowledge, Extractor
from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.errors import AccessError
from safecompress_core.games.extraction import ExtractionGame
from safecompress_core.games.manifest import EXTRACTION

Play = Callable[..., Any]

IS_MEMBER = np.arange(30) < 10
UNSEEN = 20


def first(count: int) -> np.ndarray:
    """The first of the non-members."""
    return np.arange(UNSEEN) < count


def test_extraction_counts_agreement_beyond_that_of_an_independent_clone() -> None:
    """Hand-worked: 15 of 20 agree, 10 would anyway: half of the other 10 are gained."""
    answers = np.arange(UNSEEN) % 4
    cloned = np.where(first(15), answers, (answers + 1) % 4)
    independent = np.where(first(10), answers, (answers + 1) % 4)
    result = ExtractionGame(EXTRACTION).measure(
        answers,
        cloned,
        independent,
        most_frequent=2,
        is_member=IS_MEMBER,
        facts={"queries": 20},
    )
    document = result.to_json()

    assert document["fidelity"] == pytest.approx(accuracy_score(answers, cloned))
    assert document["baseline"] == pytest.approx(0.5)
    assert document["advantage"] == pytest.approx(0.5)
    assert document["most_frequent_fidelity"] == pytest.approx(0.25)
    assert document["queries"] == 20


class Parrot(Extractor):
    """Counts the labels of the answers, and always predicts the most frequent one."""

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        self.known = known
        self.said = int(known.seen.posteriors.sum(dim=0).argmax())

    def answer(self, inputs: Tensor) -> Tensor:
        return torch.full((len(inputs),), self.said)


def test_a_budget_limits_what_an_extractor_is_told(
    sights: tuple[ObservedPool, ObservedPool], played: Play
) -> None:
    """It gets that many answers, and no model to query, at any access level."""
    attacker = Parrot()
    found = played(attacker, "extraction", ExtractionAttackerParams(budget=7), sights)

    assert len(attacker.known.seen) == 7
    assert found.to_json()["queries"] == 7
    with pytest.raises(AccessError):
        attacker.known.seen.query(attacker.known.seen.inputs)
    _, asked = sights
    same = (asked.unseen.predictions == attacker.said).double().mean()
    assert found.accuracy.value == pytest.approx(float(same))


def test_the_baseline_of_an_extraction_is_fitted_on_true_labels(
    sights: tuple[ObservedPool, ObservedPool],
    played: Play,
) -> None:
    """It predicts the most frequent label, and the clone the most frequent answer."""
    found = played(Parrot(), "extraction", ExtractionAttackerParams(), sights)
    known, asked = sights
    label = int(torch.bincount(known.unseen.labels).argmax())

    same = (asked.unseen.predictions == label).double().mean()
    assert found.baseline == pytest.approx(float(same))
