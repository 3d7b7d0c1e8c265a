"""Name and parameters of noise in the shape of real data."""

from typing import Annotated

from pydantic import Field

from safecompress_core.api import DataCard, DataDef, Params

__all__ = ["DEFINITIONS", "SyntheticParams", "synthetic_card"]

Count = Annotated[int, Field(ge=1)]


class SyntheticParams(Params):
    """Noise in the shape of real data, for ``safecompress plan --measure``."""

    samples: Count
    """Number of samples, members and non-members."""
    classes: Annotated[int, Field(ge=2, le=1_000_000)] = 10
    """Number of task labels."""
    shape: Annotated[list[Count], Field(min_length=1)] = [3, 32, 32]
    """Shape of one sample; unused for texts."""
    words: Annotated[int, Field(ge=0)] = 0
    """Words per text, for a text model; 0: samples are numbers."""


def synthetic_card(params: SyntheticParams) -> DataCard:
    """Describe the data set without building it."""
    return DataCard(
        samples=params.samples,
        classes=params.classes,
        attributes={},
        input_shape=(0,) if params.words else tuple(params.shape),
    )


DEFINITIONS = (
    DataDef(
        name="made-up",
        params=SyntheticParams,
        target="safecompress_plugins.data.arrays.synthetic:SyntheticData",
        summary="Noise in the shape of real data, to plan a run without its data.",
        card=synthetic_card,
    ),
)
