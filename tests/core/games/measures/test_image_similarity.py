"""Structural similarity of images."""

import pytest
import torch
from skimage.metrics import structural_similarity

from safecompress_core.games.measures.image_similarity import similarity

IMAGES = torch.rand(4, 3, 12, 12, generator=torch.Generator().manual_seed(2))


def test_an_image_is_like_itself() -> None:
    """And nothing is more alike."""
    found = similarity(IMAGES, IMAGES, width=1.0)

    assert (found.value, found.high) == pytest.approx((1.0, 1.0))


def test_it_is_the_mean_over_images() -> None:
    """Each is computed by scikit-image; the interval contains the mean."""
    others = (IMAGES + 0.3 * torch.rand(IMAGES.shape, generator=torch.Generator())).clamp(0, 1)

    found = similarity(others, IMAGES, width=1.0)

    each = [
        structural_similarity(a.numpy(), b.numpy(), data_range=1.0, channel_axis=0)
        for a, b in zip(others.double(), IMAGES.double(), strict=True)
    ]
    assert found.value == pytest.approx(sum(each) / 4)
    assert min(each) < found.value < max(each)
    assert -1 <= found.low < found.value < found.high <= 1
