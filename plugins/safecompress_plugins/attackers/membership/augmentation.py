"""A membership attack that asks for labels alone: of the samples, and of changed copies of them."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Attacker, Evidence, Observations
from safecompress_plugins.attackers.known_truth import known_membership
from safecompress_plugins.attackers.membership.label_only_manifest import AugmentationParams

__all__ = ["Augmentation", "rotated", "shifted"]

# N samples · M noisy copies · G groups of changes


class Augmentation(Attacker):
    """Learns to tell members by how often their prediction stays right under small changes.

    Training moves the decision boundary away from members. How far it is shows in the share of
    changed copies that still get their label: of noisy ones for each strength of noise, of shifted
    and of turned ones. A logistic regression over these shares, and whether the plain sample gets
    its label, weighs members and non-members the same.

    The noise is drawn once and is the same for all samples, so that a sample's score does not
    depend on which others are asked about. Pixels from outside an image are 0.

    Source: Choquette-Choo, Tramèr, Carlini & Papernot 2021, "Label-Only Membership Inference
    Attacks", ICML: shifts and rotations; random noise as a measure of the boundary's distance.
    """

    threshold = 0.0

    def __init__(self, params: AugmentationParams) -> None:
        self._params = params
        self._directions: Tensor | None = None  # (M, ...) as the inputs
        self._regression: LogisticRegression | None = None

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Draw the noise and fit the regression.

        Raises:
            PoolError: if members or non-members are missing.
        """
        is_member = known_membership(known)
        shape = known.seen.inputs.shape[1:]
        self._directions = torch.randn(self._params.copies, *shape, generator=generator)
        self._regression = LogisticRegression(class_weight="balanced", max_iter=1000)
        self._regression.fit(self.shares(known.seen), is_member.numpy())

    def score(self, evidence: Evidence) -> Tensor:
        """Log-odds of being a member, shape (N,)."""
        if self._regression is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        return torch.as_tensor(self._regression.decision_function(self.shares(evidence.seen)))

    def shares(self, seen: Observations) -> NDArray[np.float64]:
        """Of each sample, the share of rightly predicted copies by group of changes, (N, G).

        The first group is the sample as it is.
        """
        right = [
            torch.stack([seen.predict(copy) == seen.labels for copy in copies]).double().mean(dim=0)
            for copies in self._changed(seen.inputs)
        ]
        return torch.stack([(seen.predictions == seen.labels).double(), *right], dim=1).numpy()

    def _changed(self, inputs: Tensor) -> Iterator[Iterator[Tensor]]:
        """Group by group copies of the inputs."""
        assert self._directions is not None  # whoever has fitted has drawn
        directions = self._directions
        for strength in self._params.noise:
            yield (inputs + strength * direction for direction in directions)
        if inputs.ndim == 4 and self._params.shift:
            yield shifted(inputs, self._params.shift)
        if inputs.ndim == 4 and self._params.rotation:
            yield (rotated(inputs, sign * self._params.rotation) for sign in (-1, 1))


def shifted(images: Tensor, pixels: int) -> Iterator[Tensor]:
    """Images (N, channels, height, width) moved down, up, to the right and to the left."""
    height, width = images.shape[2:]
    padded = F.pad(images, (pixels, pixels, pixels, pixels))
    for down, right in ((pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)):
        top, left = pixels - down, pixels - right
        yield padded[:, :, top : top + height, left : left + width]


def rotated(images: Tensor, degrees: float) -> Tensor:
    """Images (N, channels, height, width) turned about their middle, interpolated bilinearly."""
    aspect = images.shape[3] / images.shape[2]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = torch.tensor([[cosine, -sine / aspect, 0.0], [sine * aspect, cosine, 0.0]])
    grid = F.affine_grid(turn.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
