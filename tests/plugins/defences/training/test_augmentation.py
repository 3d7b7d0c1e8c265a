"""Input noise and affine changes."""

from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from safecompress_core.toolkit import Batch, SafeCompressError
from safecompress_plugins.defences.manifest import AugmentationDefenceParams
from safecompress_plugins.defences.training.augmentation import AugmentationDefence, affine_maps


def handwriting(count: int = 200) -> Tensor:
    """Real images in [0, 1], shape (count, 1, 8, 8)."""
    images = torch.as_tensor(load_digits().images[:count], dtype=torch.float32)
    return images[:, None] / 16


def batch(inputs: Tensor) -> Batch:
    """Samples that are told apart by their label."""
    labels = torch.arange(len(inputs))
    return Batch(inputs=inputs, labels=labels, attributes={"digit": labels})


def augmented(inputs: Tensor, *, seed: int = 0, **params: Any) -> Tensor:
    """The inputs as a model is trained on them."""
    defence = AugmentationDefence(AugmentationDefenceParams(**params))
    seen = defence.transform(batch(inputs), generator=torch.Generator().manual_seed(seed))
    assert torch.equal(seen.labels, torch.arange(len(inputs)))
    return seen.inputs


def test_nothing_asked_nothing_done() -> None:
    """Without parameters the samples pass as they are."""
    images = handwriting()

    assert torch.equal(augmented(images), images)


@pytest.mark.parametrize("shape", [(500, 1, 8, 8), (500, 30)])
def test_noise_has_the_deviation_that_was_asked_for(shape: tuple[int, ...]) -> None:
    """Its mean is 0; images and vectors alike."""
    noise = augmented(torch.full(shape, 0.5), noise=0.15) - 0.5

    assert noise.mean().item() == pytest.approx(0, abs=0.01)
    assert noise.std().item() == pytest.approx(0.15, rel=0.03)


def test_every_sample_and_every_step_is_changed_anew() -> None:
    """One image, many times: no two copies are alike, and no two steps."""
    images = handwriting(1).expand(50, 1, 8, 8)
    changes = {"rotation": 10, "translation": 0.1, "scale": 0.1}
    first, second = augmented(images, seed=1, **changes), augmented(images, seed=2, **changes)

    assert len(first.flatten(1).unique(dim=0)) == 50
    assert not torch.equal(first, second)
    assert torch.equal(first, augmented(images, seed=1, **changes))


def test_small_changes_keep_an_image_recognisable() -> None:
    """The nearest real image to an augmented one nearly always shows the same digit."""
    digits = torch.as_tensor(load_digits().target[:200])
    images = handwriting()
    seen = augmented(images, rotation=8, translation=0.05, scale=0.08)
    nearest = torch.cdist(seen.flatten(1), images.flatten(1)).argmin(dim=1)

    assert (digits[nearest] == digits).double().mean() > 0.95
    assert (seen - images).abs().mean() > 0.01


def test_affine_maps_stay_within_their_limits() -> None:
    """Angles, shifts and sizes, read back from the maps, fill the range that was asked for."""
    params = AugmentationDefenceParams(rotation=15, translation=0.2, scale=0.25)
    maps = affine_maps(2000, params, aspect=1.0, generator=torch.Generator().manual_seed(0))
    cosine, sine = maps[:, 0, 0], maps[:, 1, 0]
    angle = torch.rad2deg(torch.atan2(sine, cosine))
    size = 1 / torch.hypot(cosine, sine)

    for values, middle, limit in [
        (angle, 0, 15),
        (size, 1, 0.25),
        (maps[:, 0, 2] / 2, 0, 0.2),
        (maps[:, 1, 2] / 2, 0, 0.2),
    ]:
        assert 0.95 * limit < (values - middle).abs().max().item() <= limit + 1e-4
        assert values.mean().item() == pytest.approx(middle, abs=0.05 * limit)


def test_a_wide_image_is_turned_without_being_stretched() -> None:
    """On pixels, not on the square of coordinates, every map is a plain rotation."""
    params = AugmentationDefenceParams(rotation=30)
    generator = torch.Generator().manual_seed(0)
    maps = affine_maps(100, params, aspect=15 / 9, generator=generator)[:, :, :2]
    sides = torch.diag(torch.tensor([15.0, 9.0]))
    on_pixels = sides @ maps @ sides.inverse()

    assert maps[:, 0, 1].abs().max() > 0.2
    torch.testing.assert_close(
        on_pixels @ on_pixels.transpose(1, 2), torch.eye(2).expand(100, 2, 2)
    )


def test_a_shift_moves_an_image_by_pixels() -> None:
    """A shift of a quarter of 8 pixels is at most 2 of them, and is seen on the image."""
    dots = torch.zeros(300, 1, 8, 8)
    dots[:, 0, 4, 4] = 1
    seen = augmented(dots, translation=0.25)
    rows = torch.arange(8.0)
    centres = (seen.sum(dim=3)[:, 0] * rows).sum(dim=1) - 4

    torch.testing.assert_close(seen.sum(dim=(1, 2, 3)), torch.ones(300))
    assert 1.9 < centres.abs().max().item() <= 2 + 1e-4


@pytest.mark.parametrize("change", ["rotation", "translation", "scale"])
def test_vectors_cannot_be_turned(change: str) -> None:
    """The message says what to write instead."""
    with pytest.raises(SafeCompressError, match="sample has shape \\(64,\\); .* use noise instead"):
        augmented(torch.zeros(5, 64), **{change: 0.1})
