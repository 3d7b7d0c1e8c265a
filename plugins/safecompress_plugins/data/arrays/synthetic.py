"""Noise in the shape of real data, to plan a run without its data."""

import torch

from safecompress_core.toolkit import Dataset
from safecompress_plugins.data.arrays.array_encoder import ArrayEncoder
from safecompress_plugins.data.arrays.synthetic_manifest import SyntheticParams
from safecompress_plugins.data.encoders import EncodingSource

__all__ = ["SyntheticData"]


class SyntheticData(EncodingSource):
    """Uniform numbers in [0, 1), or texts of one repeated word; labels in rotation."""

    def __init__(self, params: SyntheticParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Draw the samples; equal parameters give equal samples."""
        params = self._params
        shape = (0,) if params.words else tuple(params.shape)
        # A fixed seed: timings do not depend on the values, and a plan is reproducible.
        generator = torch.Generator().manual_seed(0)
        return Dataset(
            inputs=torch.rand(params.samples, *shape, generator=generator),
            labels=torch.arange(params.samples) % params.classes,
            classes=tuple(map(str, range(params.classes))),
            attributes={},
            encoder=None if params.words else ArrayEncoder(shape),
            texts=("word " * params.words,) * params.samples if params.words else (),
        )
