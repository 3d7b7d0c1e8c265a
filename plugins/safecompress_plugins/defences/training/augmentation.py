"""Random label-preserving changes of inputs."""

import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Defence, SafeCompressError
from safecompress_plugins.defences.manifest import AugmentationDefenceParams

__all__ = ["AugmentationDefence", "affine_maps"]


class AugmentationDefence(Defence):
    """Rotates, shifts and scales images, then adds noise to any input, independently per sample.

    Only training batches are changed. A model is tested and attacked on plain samples, members and
    non-members alike: if only members were augmented, the augmentation itself would reveal
    membership.

    Pixels from outside an image are 0. The result is not clamped to the inputs' range.
    """

    is_per_sample = True
    needs_whole_batch = ""
    draws_views = True

    def __init__(self, params: AugmentationDefenceParams) -> None:
        super().__init__()
        self._params = params
        self._is_affine = any((params.rotation, params.translation, params.scale))

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """Change the batch's inputs.

        Raises:
            SafeCompressError: if an affine change is requested for inputs that are not images.
        """
        inputs = batch.inputs
        if self._is_affine:
            inputs = self._transform(inputs, generator)
        if self._params.noise:
            # Drawn on the CPU and moved: one seed gives the same noise on every device.
            noise = torch.randn(inputs.shape, generator=generator)
            inputs = inputs + self._params.noise * noise.to(inputs)
        return replace(batch, inputs=inputs)

    def _transform(self, images: Tensor, generator: torch.Generator) -> Tensor:
        if images.ndim != 4:
            raise SafeCompressError(
                "augmentation: rotation, translation and scale need images of shape (channels, "
                f"height, width), but a sample has shape {tuple(images.shape[1:])}; leave them "
                "out and use noise instead"
            )
        height, width = images.shape[2:]
        maps = affine_maps(
            len(images), self._params, aspect=width / height, generator=generator
        ).to(images)
        grid = F.affine_grid(maps, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def affine_maps(
    count: int, params: AugmentationDefenceParams, *, aspect: float, generator: torch.Generator
) -> Tensor:
    """Draw one affine map per sample, from output to input coordinates, shape (count, 2, 3).

    Coordinates run from −1 to 1 over an image ``aspect`` times as wide as high. Angle, shifts and
    scale are uniform within the limits of ``params``.
    """
    angle, right, down, size = torch.rand(4, count, generator=generator) * 2 - 1  # each in [−1, 1)
    angle = angle * math.radians(params.rotation)
    size = 1 + size * params.scale
    # affine_grid maps outputs to inputs, so enlarging divides.
    cosine, sine = angle.cos() / size, angle.sin() / size
    shift = 2 * params.translation  # a side is 2 units long
    return torch.stack(
        [
            torch.stack([cosine, -sine / aspect, right * shift], dim=1),
            torch.stack([sine * aspect, cosine, down * shift], dim=1),
        ],
        dim=1,
    )
