"""Accuracy on corrupted inputs: noise, blur and less contrast."""

from collections.abc import Iterator
from typing import Any

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from safecompress_core.toolkit import MeanMetric, MetricTrial, Problem, SampleValues, Subject
from safecompress_plugins.metrics.manifest import CorruptionParams

__all__ = ["LEVELS", "Corruption", "corrupt"]

# N samples · L levels

LEVELS = {
    # Standard deviation of the noise, and the contrast that is left, for values in [0, 1].
    "noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    # Standard deviation of the blur in pixels of an image of 32 x 32.
    "blur": (0.4, 0.6, 0.7, 0.8, 1.0),
}
"""Five levels each: those of the source for ImageNet-C, and of blur for CIFAR-10-C."""

SIDE = 32
DEVIATIONS = 4.0
"""Width of the range of inputs without bounds, in their standard deviations."""


class Corruption(MeanMetric):
    """Mean accuracy over five levels of one corruption.

    Source: Hendrycks & Dietterich 2019, "Benchmarking Neural Network Robustness to Common
    Corruptions and Perturbations", section 4.1; the levels are those of its code.
    """

    def __init__(self, params: CorruptionParams) -> None:
        self._kind = params.kind

    def check(self, trial: MetricTrial) -> Iterator[Problem]:
        """Only images can be blurred."""
        shape = tuple(trial.dataset.inputs.shape[1:])
        if self._kind == "blur" and len(shape) != 3:
            message = f"samples of shape {shape} are no images (channels, height, width)"
            yield Problem(("kind",), message, "write noise or contrast")

    def values(self, subject: Subject) -> SampleValues:
        """The share of levels at which each sample is answered correctly, (N, 1)."""
        unseen, bounds = subject.unseen, subject.asked.dataset.bounds
        levels = []
        for level in range(len(LEVELS[self._kind])):
            # The same noise for every model of a run.
            generator = subject.seed.child("level", level).torch()
            moved = corrupt(unseen.inputs, self._kind, level, bounds=bounds, generator=generator)
            levels.append((unseen.predict(moved) == unseen.labels).double())
        correct = torch.stack(levels, dim=1)  # (N, L)
        details = {"kind": self._kind, "accuracy": correct.mean(dim=0).tolist()}
        return SampleValues.of(correct.mean(dim=1), details=details)


def corrupt(
    inputs: Tensor,
    kind: str,
    level: int,
    *,
    bounds: tuple[Tensor, Tensor] | None,
    generator: torch.Generator,
) -> Tensor:
    """Corrupt samples, (N, ...).

    Args:
        inputs: of one data set.
        kind: a key of ``LEVELS``.
        level: from 0, the weakest.
        bounds: lowest and highest value of an input, to which the result is clipped; None for
            inputs without, whose range then is four standard deviations.
        generator: of the noise.
    """
    strength = LEVELS[kind][level]
    if bounds is None:
        width: Any = DEVIATIONS * inputs.std(dim=0)
    else:
        width = bounds[1] - bounds[0]
    if kind == "noise":
        moved = inputs + strength * width * torch.randn(inputs.shape, generator=generator)
    elif kind == "contrast":
        # Of an image about the mean of each channel, of a row about the mean of each column.
        is_image = inputs.ndim == 4
        mean = inputs.mean(dim=(2, 3), keepdim=True) if is_image else inputs.mean(dim=0)
        moved = (inputs - mean) * strength + mean
    else:
        sigma = strength * max(1.0, min(inputs.shape[2:]) / SIDE)
        blurred = gaussian_filter(inputs.numpy(), (0, 0, sigma, sigma), mode="nearest")
        moved = torch.from_numpy(blurred)
    return moved if bounds is None else torch.clamp(moved, *bounds)
