"""Mixup: samples half way between two, with labels half way between theirs."""

from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Defence, SafeCompressError
from safecompress_plugins.defences.manifest import MixupParams

__all__ = ["Mixup"]


class Mixup(Defence):
    """Mixes each sample of a batch with another one of it, and their targets alike.

    ::

        x̃ = λ x + (1 − λ) x′        ỹ = λ y + (1 − λ) y′        λ ~ Beta(α, α)

    One λ is drawn for a batch, as the paper's code does, and the larger of λ and 1 − λ counts: the
    batch is distributed as before, and label and attributes are those of the sample that prevails.

    Source: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", ICLR, Eq. 1 and 2.
    """

    _classes: int

    def __init__(self, params: MixupParams) -> None:
        super().__init__()
        self._alpha = params.alpha

    def prepare(self, *, classes: int, **_: object) -> None:
        """Remember how many classes there are."""
        self._classes = classes

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """The batch mixed with itself.

        Raises:
            SafeCompressError: if inputs are no numbers that can be mixed, but tokens.
        """
        if not batch.inputs.is_floating_point():
            raise SafeCompressError(
                f"mixup: inputs are {batch.inputs.dtype}, and tokens cannot be mixed; take it out"
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
        """λ, in [0.5, 1]; torch draws no Beta from a generator that is handed in, numpy does."""
        seed = int(torch.randint(2**62, (), generator=generator))
        share = float(np.random.default_rng(seed).beta(self._alpha, self._alpha))
        return max(share, 1 - share)
