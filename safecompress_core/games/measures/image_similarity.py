"""Structural similarity of images."""

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity
from torch import Tensor

from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.means import mean_difference

__all__ = ["similarity"]

# K images


def similarity(reconstructions: Tensor, truth: Tensor, *, width: float) -> Estimate:
    """Mean structural similarity of images (K, channels, height, width), in [−1, 1].

    By scikit-image, with its uniform window of 7 by 7, since the Gaussian one of 11 is larger than
    a small image; the interval is Student's over the images.

    Source: Wang, Bovik, Sheikh & Simoncelli 2004, "Image Quality Assessment: From Error Visibility
    to Structural Similarity", equation 13.
    """
    values: NDArray[np.float64] = np.array(
        [
            structural_similarity(image, other, data_range=width, channel_axis=0)
            # Channels first, and the range of the data instead of that of a single image.
            for image, other in zip(
                reconstructions.double().numpy(), truth.double().numpy(), strict=True
            )
        ]
    )
    # Student's interval of the mean, written as a paired difference to 0; SSIM lies in [−1, 1].
    return mean_difference(values, np.zeros_like(values)).clip(-1.0, 1.0)
