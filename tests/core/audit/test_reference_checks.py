"""Checks of reference models that somebody else has trained."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from torch import Tensor

from safecompress_core.attacks.reference_answers import ReferenceAnswers, assign_folds
from safecompress_core.audit.reference_checks import require_different, require_told
from safecompress_core.data.predictions import logits_of
from safecompress_core.errors import ModelError

Positions = NDArray[np.int64]

INPUTS, LABELS = load_digits(return_X_y=True)
IS_MEMBER = torch.arange(len(LABELS)) % 2 == 0


def forest(rows: Positions, seed: int, *, depth: int | None = None) -> Tensor:
    """Logits of a random forest for all digits."""
    model = RandomForestClassifier(10, max_depth=depth, random_state=seed, min_samples_leaf=1)
    return logits_of(model.fit(INPUTS[rows], LABELS[rows]).predict_proba(INPUTS), "probabilities")


def references(train: Callable[[Positions, int], Tensor]) -> ReferenceAnswers:
    """Six models of what a function trains on halves of the digits."""
    labels = torch.from_numpy(LABELS)
    dealt = assign_folds(
        labels, members=len(labels) // 2, count=6, generator=torch.Generator().manual_seed(0)
    )
    logits = [train(is_in.nonzero()[:, 0].numpy(), seed) for seed, is_in in enumerate(dealt, 1)]
    return ReferenceAnswers(torch.stack(logits), dealt, labels)


@pytest.fixture(scope="module")
def audited() -> Tensor:
    """A forest that has memorised its members."""
    return forest(IS_MEMBER.nonzero()[:, 0].numpy(), 0)


def test_models_trained_as_was_asked_are_accepted(audited: Tensor) -> None:
    """They know what they were dealt better than the rest, on either side."""
    honest = references(forest)

    require_different(honest)
    require_told(honest, audited, IS_MEMBER)


def test_one_model_for_all_samples_is_refused() -> None:
    """Whatever is dealt, it answers the same."""
    every = np.arange(len(LABELS))
    with pytest.raises(ModelError, match="reference models 1 and 2 give the same answers"):
        require_different(references(lambda _, __: forest(every, 0)))


@pytest.mark.parametrize(
    ("added", "side"),
    [
        (np.arange(len(LABELS)), "members"),
        (IS_MEMBER.nonzero()[:, 0].numpy(), "members"),
        ((~IS_MEMBER).nonzero()[:, 0].numpy(), "non-members"),
    ],
)
def test_models_trained_on_more_are_refused(added: Positions, side: str, audited: Tensor) -> None:
    """On everything, on all members, or on all others: the side at fault is named."""
    cheating = references(lambda rows, seed: forest(np.union1d(rows, added), seed))

    require_different(cheating)
    with pytest.raises(ModelError, match=f"as sure of {side} that they were not to be trained on"):
        require_told(cheating, audited, IS_MEMBER)


def test_nothing_is_asked_for_where_the_audited_model_shows_no_difference() -> None:
    """Its references have nothing to show either."""
    every = np.arange(len(LABELS))
    stump = forest(IS_MEMBER.nonzero()[:, 0].numpy(), 0, depth=1)

    require_told(references(lambda _, seed: forest(every, seed)), stump, IS_MEMBER)
