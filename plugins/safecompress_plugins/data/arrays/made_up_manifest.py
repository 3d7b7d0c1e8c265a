"""Name and parameters of noise in the shape of real data."""

from typing import Annotated

from pydantic import Field

from safecompress_core.api import DataCard, DataDef, Params

__all__ = ["DEFINITIONS", "MadeUpParams", "made_up_card"]

Count = Annotated[int, Field(ge=1)]


class MadeUpParams(Params):
    """Noise in the shape of real data, for ``safecompress plan --measure``."""

    samples: Count
    """Number of samples, members and non-members."""
    classes: Annotated[int, Field(ge=2, le=1_000_000)] = 10
    """Number of task labels."""
    shape: Annotated[list[Count], Field(min_length=1)] = [3, 32, 32]
    """Shape of one sample; unused for texts."""
    words: Annotated[int, Field(ge=0)] = 0
    """Words per text, for a text model; 0: samples are numbers."""


def made_up_card(params: MadeUpParams) -> DataCard:
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
        params=MadeUpParams,
        target="safecompress_plugins.data.arrays.made_up:MadeUp",
        summary="Noise in the shape of real data, to plan a run without its data.",
        card=made_up_card,
    ),
)
