"""Label-only membership attack: predictions of the samples and of perturbed copies."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, Observations
from safecompress_plugins.attackers.known_truth import require_membership
from safecompress_plugins.attackers.membership.label_only_manifest import AugmentationAttackParams

__all__ = ["AugmentationAttack", "rotate_images", "shift_images"]

# N samples · M noisy copies · G groups of changes


class AugmentationAttack(Attacker):
    """Infers membership from the share of perturbed copies that keep their label.

    Training moves the decision boundary away from members. Its distance shows in the share of
    perturbed copies that are still classified correctly: noisy copies for each noise level, shifted
    and rotated ones. A logistic regression over these shares, and over the correctness of the
    sample itself, weights members and non-members equally.

    The noise is drawn once and shared by all samples, so that a sample's score does not depend on
    the rest of the pool. Pixels from outside an image are 0.

    Source: Choquette-Choo, Tramèr, Carlini & Papernot 2021, "Label-Only Membership Inference
    Attacks", ICML: shifts and rotations; random noise as a measure of the boundary's distance.
    """

    threshold = 0.0  # log-odds: the regression weights both classes equally

    def __init__(self, params: AugmentationAttackParams) -> None:
        self._params = params
        self._directions: Tensor | None = None  # (M, ...) as the inputs
        self._regression: LogisticRegression | None = None

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Draw the noise and fit the regression.

        Raises:
            PoolError: if members or non-members are missing.
        """
        is_member = require_membership(known)
        shape = known.seen.inputs.shape[1:]
        self._directions = torch.randn(self._params.copies, *shape, generator=generator)
        self._regression = LogisticRegression(class_weight="balanced", max_iter=1000)
        self._regression.fit(self.shares(known.seen), is_member.numpy())

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Log-odds of being a member, shape (N,)."""
        if self._regression is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        return torch.as_tensor(self._regression.decision_function(self.shares(knowledge.seen)))

    def shares(self, seen: Observations) -> NDArray[np.float64]:
        """Return each sample's share of correctly classified copies by group, shape (N, G).

        The first group is the sample itself.
        """
        right = [
            # One copy at a time: a generator keeps all but one out of memory.
            torch.stack([seen.predict(copy) == seen.labels for copy in copies]).double().mean(dim=0)
            for copies in self._change_inputs(seen.inputs)
        ]
        return torch.stack([(seen.predictions == seen.labels).double(), *right], dim=1).numpy()

    def _change_inputs(self, inputs: Tensor) -> Iterator[Iterator[Tensor]]:
        """Yield copies of the inputs, group by group."""
        assert self._directions is not None  # drawn by fit
        directions = self._directions
        for strength in self._params.noise:
            yield (inputs + strength * direction for direction in directions)
        # Shifts and rotations have a meaning for images alone, (N, channels, height, width).
        if inputs.ndim == 4 and self._params.shift:
            yield shift_images(inputs, self._params.shift)
        if inputs.ndim == 4 and self._params.rotation:
            yield (rotate_images(inputs, sign * self._params.rotation) for sign in (-1, 1))


def shift_images(images: Tensor, pixels: int) -> Iterator[Tensor]:
    """Yield images (N, channels, height, width) moved down, up, right and left."""
    height, width = images.shape[2:]
    # One padded copy serves all four directions; each is a window of it.
    padded = F.pad(images, (pixels, pixels, pixels, pixels))
    for down, right in ((pixels, 0), (-pixels, 0), (0, pixels), (0, -pixels)):
        top, left = pixels - down, pixels - right
        yield padded[:, :, top : top + height, left : left + width]


def rotate_images(images: Tensor, degrees: float) -> Tensor:
    """Rotate images (N, channels, height, width) about their centre, interpolating bilinearly."""
    # Both axes of affine_grid are [-1, 1]; without the aspect ratio a rotation would shear.
    aspect = images.shape[3] / images.shape[2]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = torch.tensor([[cosine, -sine / aspect, 0.0], [sine * aspect, cosine, 0.0]])
    grid = F.affine_grid(turn.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
