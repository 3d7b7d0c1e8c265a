"""Robustness of a prediction to small changes, seen through labels alone."""

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from safecompress_core.api import Access, AttackerDef
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Classifier,
    PoolError,
    correctness,
    observe,
)
from safecompress_plugins.attackers.membership.augmentation_attack import (
    AugmentationAttack,
    rotate_images,
    shift_images,
)
from safecompress_plugins.attackers.membership.label_only_manifest import (
    DEFINITIONS,
    AugmentationAttackParams,
)

[AUGMENTATION] = [one for one in DEFINITIONS if one.name == "augmentation"]


class TestAugmentation(AttackerConformance):
    definition: AttackerDef = AUGMENTATION


class TestAugmentationByNoiseAlone(AttackerConformance):
    definition: AttackerDef = AUGMENTATION
    params = {"noise": [0.1], "copies": 5, "shift": 0, "rotation": 0}


class Leaky(Protocol):
    known: AdversaryKnowledge
    pool: AdversaryKnowledge


def auc(leaky: Leaky, **params: Any) -> float:
    """Of the attack with label-only access, on samples that it has not learned from."""
    known, asked = (
        replace(one, seen=one.seen.restrict(Access.LABEL_ONLY)) for one in (leaky.known, leaky.pool)
    )
    attacker = AugmentationAttack(AugmentationAttackParams(**params))
    attacker.fit(known, generator=torch.Generator().manual_seed(0))
    assert asked.truth is not None
    return float(roc_auc_score(asked.truth, attacker.score(replace(asked, truth=None))))


def test_robustness_tells_more_than_being_right(leaky: Leaky) -> None:
    """One bit a sample gives an AUC of 0.74; noise of several strengths beats it clearly."""
    assert leaky.pool.truth is not None
    seen = leaky.pool.seen
    one_bit = roc_auc_score(leaky.pool.truth, correctness(seen.predictions, seen.labels))

    assert auc(leaky) > one_bit + 0.03
    assert auc(leaky) > auc(leaky, noise=[0.3])


class Brightest(nn.Module):
    """Says which of nine pixels is the brightest, so that a shift changes what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.utils.skip_init(nn.Linear, 9, 9)
        with torch.no_grad():
            nn.init.eye_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(images.flatten(1))
        return logits


def test_shares_are_counted_by_group_of_changes() -> None:
    """A bright pixel in the middle is seen there alone, a bright row also after a step along it."""
    images = torch.zeros(2, 1, 3, 3)
    images[0, 0, 1, 1] = 1
    images[1, 0, 1] = torch.tensor([0.8, 1.0, 0.9])
    labels = torch.tensor([4, 4])
    seen = observe(Classifier(Brightest()), images, labels).restrict(Access.LABEL_ONLY)
    attacker = AugmentationAttack(AugmentationAttackParams(noise=[1e-3], copies=3, rotation=5))
    known = AdversaryKnowledge(seen=seen, truth=torch.tensor([True, False]), values=2)
    attacker.fit(known, generator=torch.Generator().manual_seed(0))

    shares = attacker.shares(seen)

    assert shares.tolist() == [[1, 1, 0, 1], [1, 1, 0, 1]]
    wrong = observe(Classifier(Brightest()), images, torch.tensor([5, 3]))
    assert attacker.shares(wrong).tolist() == [[0, 0, 0.25, 0], [0, 0, 0.25, 0]]


def test_inputs_that_are_no_images_are_only_made_noisy() -> None:
    """A row of numbers has no neighbours to shift to."""
    seen = observe(
        Classifier(nn.Linear(5, 2)), torch.arange(30.0).reshape(6, 5), torch.arange(6) % 2
    )
    attacker = AugmentationAttack(AugmentationAttackParams(noise=[0.1, 0.2], copies=2))
    known = AdversaryKnowledge(seen=seen, truth=torch.arange(6) < 3, values=2)
    attacker.fit(known, generator=torch.Generator().manual_seed(0))

    assert attacker.shares(seen).shape == (6, 3)


def test_shifts_are_by_whole_pixels_in_four_directions() -> None:
    """What leaves the image is lost, what comes in is 0; held against scipy."""
    images = torch.rand(2, 1, 4, 5, generator=torch.Generator().manual_seed(0))
    steps = [(2, 0), (-2, 0), (0, 2), (0, -2)]

    for moved, step in zip(shift_images(images, 2), steps, strict=True):
        expected = ndimage.shift(images.numpy(), (0, 0, *step), order=0)
        np.testing.assert_array_equal(moved.numpy(), expected)


@pytest.mark.parametrize("shape", [(9, 9), (9, 15)])
def test_rotations_are_scipys(shape: tuple[int, int]) -> None:
    """Bilinear, about the middle, also where an image is not square; but for its margin."""
    images = torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(0))
    expected = ndimage.rotate(images[0, 0].numpy(), 10.0, order=1, reshape=False)

    found = rotate_images(images, 10.0)[0, 0].numpy()

    inner = (slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(found[inner], expected[inner], atol=1e-4)


@pytest.mark.parametrize("is_member", [True, False])
def test_both_classes_are_needed(is_member: bool) -> None:
    """An adversary that knows only one side cannot learn to tell them apart."""
    seen = observe(
        Classifier(nn.Linear(5, 2)), torch.arange(30.0).reshape(6, 5), torch.arange(6) % 2
    )
    known = AdversaryKnowledge(seen=seen, truth=torch.full((6,), is_member), values=2)

    with pytest.raises(PoolError, match="needs members and non-members"):
        AugmentationAttack(AugmentationAttackParams()).fit(known, generator=torch.Generator())
