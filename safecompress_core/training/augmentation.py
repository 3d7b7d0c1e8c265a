"""Augmentation of training images: random crops and flips, the same for every network of a run."""

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.specfile.models.run_spec import Augmentation

__all__ = ["NO_AUGMENTATION", "augment"]

# B samples of a batch · C channels · H, W height and width · P pixels of padding

NO_AUGMENTATION = Augmentation()


def augment(images: Tensor, augmentation: Augmentation, *, generator: torch.Generator) -> Tensor:
    """Crop and flip each image at random, shape (B, C, H, W).

    Args:
        images: shape (B, C, H, W).
        augmentation: what is changed; of a change of size 0 nothing is drawn.
        generator: on the CPU, so that one seed gives the same changes on every device.
    """
    if augmentation.crop:
        images = _crop(images, augmentation.crop, generator)
    if augmentation.flip:
        is_flipped = torch.rand(len(images), generator=generator) < augmentation.flip
        images = images.flip(3).where(is_flipped.to(images.device)[:, None, None, None], images)
    return images


def _crop(images: Tensor, padding: int, generator: torch.Generator) -> Tensor:
    """Cut a window of the images' size out of each padded image, all equally likely."""
    height, width = images.shape[2:]
    drawn = torch.randint(2 * padding + 1, (2, len(images)), generator=generator)
    down, right = drawn.to(images.device)
    # A view of all windows, (B, C, 2P + 1, 2P + 1, H, W), of which the chosen ones are copied.
    windows = F.pad(images, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(len(images), device=images.device), :, down, right]
