"""Names and parameters of the extraction attackers."""

from typing import Annotated

from pydantic import Field

from safecompress_core.api import BLACK_BOX, AttackerDef, ExtractionAttackerParams

__all__ = ["DEFINITIONS", "KnockoffParams"]

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class KnockoffParams(ExtractionAttackerParams):
    """A network of the adversary, trained on the model's outputs."""

    hidden: Annotated[list[Count], Field(min_length=1)] = [256]
    """Width of each hidden layer of the clone."""
    epochs: Count = 100
    """Passes over the queried samples."""
    adapt_epochs: Count = 20
    """Passes when adapting to a slightly changed model."""
    learning_rate: Positive = 1e-3
    """Learning rate of Adam."""
    batch_size: Count = 64
    """Samples per step."""


HOME = "safecompress_plugins.attackers.extraction"

DEFINITIONS = (
    AttackerDef(
        name="knockoff",
        params=KnockoffParams,
        target=f"{HOME}.knockoff:Knockoff",
        summary="A clone trained on the model's outputs.",
        cites="Orekondy, Schiele & Fritz 2019, Knockoff Nets: Stealing Functionality of Black-Box "
        "Models, CVPR, section 4",
        game="extraction",
        needs=BLACK_BOX,
    ),
)
