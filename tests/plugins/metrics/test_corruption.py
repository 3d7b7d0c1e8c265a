"""Common corruptions."""

from typing import Any

import numpy as np
import pytest
import torch
from skimage.filters import gaussian
from sklearn.datasets import load_digits

from safecompress_plugins.metrics.corruption import LEVELS, Corruption, corrupt
from safecompress_plugins.metrics.manifest import CorruptionParams
from tests.plugins.metrics.conftest import iris_subject
from tests.plugins.metrics.test_groups import trial_of

IMAGES = torch.from_numpy(load_digits().images[:200]).float()[:, None] / 16
UNIT = (torch.zeros(()), torch.ones(()))


def moved(kind: str, level: int, inputs: Any = IMAGES, bounds: Any = UNIT) -> Any:
    """The samples at a level, from the same draws."""
    generator = torch.Generator().manual_seed(4)
    return corrupt(inputs, kind, level, bounds=bounds, generator=generator)


@pytest.mark.parametrize("level", range(5))
def test_blur_is_scikit_image_s(level: int) -> None:
    """Of each image by itself, with the border's values beyond it."""
    expected = [
        gaussian(image, sigma=LEVELS["blur"][level], mode="nearest") for image in IMAGES[:, 0]
    ]

    np.testing.assert_allclose(moved("blur", level)[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize("level", range(5))
def test_contrast_is_left_about_the_mean_of_each_image(level: int) -> None:
    """The published code's (x - mean) * c + mean."""
    found = moved("contrast", level)

    torch.testing.assert_close(found.mean(dim=(2, 3)), IMAGES.mean(dim=(2, 3)))
    torch.testing.assert_close(
        found.std(dim=(2, 3)), IMAGES.std(dim=(2, 3)) * LEVELS["contrast"][level]
    )


def test_noise_has_the_level_s_deviation_within_the_bounds() -> None:
    """Grey images are not clipped at the first level; nothing leaves the range at the last."""
    grey = torch.full((100, 1, 8, 8), 0.5)

    assert float(moved("noise", 0, grey).std()) == pytest.approx(0.08, rel=0.05)
    last = moved("noise", 4)
    assert (float(last.min()), float(last.max())) == (0, 1)


def test_of_inputs_without_bounds_the_range_is_four_deviations() -> None:
    """Columns of a table differ in their unit."""
    rows = torch.stack([torch.linspace(-1, 1, 4000), torch.linspace(-100, 100, 4000)], dim=1)

    found = moved("noise", 1, rows, None) - rows

    expected = 0.12 * 4 * rows.std(dim=0)
    torch.testing.assert_close(found.std(dim=0), expected, rtol=0.05, atol=0)


def test_the_figure_is_the_mean_over_levels() -> None:
    """Of one model and the same noise, twice; each level is in the details."""
    subject = iris_subject()
    metric = Corruption(CorruptionParams(kind="noise"))

    values = metric.values(subject)

    assert metric.measure(subject).value == pytest.approx(np.mean(values.details["accuracy"]))
    assert len(values.details["accuracy"]) == 5
    assert np.array_equal(values.numbers, metric.values(subject).numbers)


def test_a_table_cannot_be_blurred() -> None:
    """At the field, before training."""
    [problem] = Corruption(CorruptionParams(kind="blur")).check(trial_of(iris_subject()))

    assert problem.path == ("kind",)
    assert problem.message == "samples of shape (2,) are no images (channels, height, width)"
