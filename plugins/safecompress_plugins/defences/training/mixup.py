"""Mixup: convex combinations of samples and labels."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Defence, SafeCompressError
from safecompress_plugins.defences.manifest import MixupParams

__all__ = ["Mixup"]


class Mixup(Defence):
    """Mixes each sample of a batch with another one, and their targets equally.

    ::

        x̃ = λ x + (1 − λ) x′        ỹ = λ y + (1 − λ) y′        λ ~ Beta(α, α)

    One λ is drawn per batch, as in the paper's code, and the larger of λ and 1 − λ is used: the
    distribution is unchanged, and label and attributes are those of the dominant sample.

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", ICLR, Eq. 1 and 2.
    """

    needs_whole_batch = ""
    _classes: int

    def __init__(self, params: MixupParams) -> None:
        super().__init__()
        self._alpha = params.alpha

    def prepare(self, *, classes: int, **_: object) -> None:
        """Store the number of classes."""
        self._classes = classes

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """Mix the batch with a permutation of itself.

        Raises:
            SafeCompressError: if inputs are tokens, which cannot be mixed.
        """
        if not batch.inputs.is_floating_point():
            raise SafeCompressError(
                f"mixup needs continuous inputs; these are {batch.inputs.dtype}: remove the defence"
            )
        share = self._share(generator)
        partners = torch.randperm(len(batch.labels), generator=generator).to(batch.labels.device)
        targets = batch.targets
        if targets is None:
            targets = F.one_hot(batch.labels, self._classes).float()
        return replace(
            batch,
            inputs=share * batch.inputs + (1 - share) * batch.inputs[partners],
            targets=share * targets + (1 - share) * targets[partners],
        )

    def _share(self, generator: torch.Generator) -> float:
        """Draw λ, in [0.5, 1]; only numpy draws a Beta with a generator argument."""
        seed = int(torch.randint(2**62, (), generator=generator))
        share = float(np.random.default_rng(seed).beta(self._alpha, self._alpha))
        return max(share, 1 - share)
