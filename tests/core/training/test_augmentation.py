"""Random crops and flips of training images."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from safecompress_core.specfile.models.run_spec import Augmentation
from safecompress_core.training.augmentation import augment


def handwriting() -> Tensor:
    """200 real images, shape (200, 1, 8, 8)."""
    return torch.as_tensor(load_digits().images[:200], dtype=torch.float32)[:, None]


def augmented(images: Tensor, *, crop: int = 0, flip: float = 0, seed: int = 0) -> Tensor:
    """The images as a network is trained on them."""
    generator = torch.Generator().manual_seed(seed)
    return augment(images, Augmentation(crop=crop, flip=flip), generator=generator)


def test_a_crop_is_a_window_of_the_padded_image() -> None:
    """Each window that numpy cuts out of the padded image occurs, all about equally often."""
    image = np.arange(1, 13, dtype=np.float32).reshape(1, 3, 4)
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    windows = [padded[:, row : row + 3, left : left + 4] for row in range(3) for left in range(3)]

    seen = augmented(torch.from_numpy(image).expand(1800, 1, 3, 4), crop=1).numpy()

    times = [int((seen == window).all(axis=(1, 2, 3)).sum()) for window in windows]
    assert sum(times) == 1800
    # 200 expected, with a binomial deviation of 13.3
    assert all(abs(count - 200) < 5 * 13.3 for count in times)


def test_a_flip_mirrors_left_and_right() -> None:
    """With a probability of 1 each image, of a half about half of them and no other change."""
    images = handwriting()
    mirrored = torch.from_numpy(np.flip(images.numpy(), axis=3).copy())

    seen = augmented(images, flip=0.5)

    is_flipped = (seen == mirrored).flatten(1).all(dim=1)
    assert torch.equal(augmented(images, flip=1), mirrored)
    assert torch.equal(seen[~is_flipped], images[~is_flipped])
    assert 0.3 < is_flipped.double().mean() < 0.7


def test_each_copy_is_changed_by_itself() -> None:
    """One image, many times, in one batch; the same seed makes the same batch again."""
    copies = handwriting()[:1].expand(50, 1, 8, 8)

    first = augmented(copies, crop=2, flip=0.5)

    assert len(first.flatten(1).unique(dim=0)) > 20
    assert torch.equal(first, augmented(copies, crop=2, flip=0.5))
    assert not torch.equal(first, augmented(copies, crop=2, flip=0.5, seed=1))


def test_a_change_of_size_0_draws_nothing() -> None:
    """The generator is where it was: a run without augmentation keeps its bytes."""
    generator = torch.Generator().manual_seed(3)
    before = generator.get_state()

    seen = augment(handwriting(), Augmentation(), generator=generator)

    assert torch.equal(seen, handwriting())
    assert torch.equal(generator.get_state(), before)
