"""Names and parameters of the attackers that ask for labels alone."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import Access, AttackerDef, AttackerParams, Game

__all__ = ["DEFINITIONS", "AugmentationParams", "BoundaryParams"]


class AugmentationParams(AttackerParams):
    """How long a prediction stays right while the sample is changed."""

    noise: list[Annotated[float, Field(gt=0)]] = [0.02, 0.05, 0.1, 0.2, 0.3]
    """Standard deviations of Gaussian noise on every input value, in the inputs' own unit."""
    copies: Annotated[int, Field(ge=1, le=1000)] = 10
    """Noisy copies of each sample for each of these."""
    shift: Annotated[int, Field(ge=0, le=4096)] = 1
    """Pixels by which images are moved in each direction; other inputs are not."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 4.0
    """Degrees by which images are turned to either side; other inputs are not."""


class BoundaryParams(AttackerParams):
    """How far a sample is from an input that gets another label."""

    steps: Annotated[int, Field(ge=1, le=100_000)] = 3
    """Jumps along the boundary; each makes the distance more exact."""
    queries: Annotated[int, Field(ge=2, le=1_000_000)] = 30
    """Points that the model is asked about before each jump, for each sample; ``hopskipjump`` asks
    more from jump to jump, with the square root of their number."""
    search: Literal["batched", "hopskipjump"] = "batched"
    """Who looks for the boundary: ``batched``, HopSkipJump for many samples at once;
    ``hopskipjump``, that of adversarial-robustness-toolbox, sample by sample: many times slower,
    and with the extra ``attacks`` alone."""
    budget: Annotated[int, Field(ge=10)] = 1000
    """``hopskipjump``: how often the model is asked about each sample, at most."""


DEFINITIONS = (
    AttackerDef(
        name="augmentation",
        params=AugmentationParams,
        target="safecompress_plugins.attackers.membership.augmentation:Augmentation",
        summary="Members are predicted rightly even when they are changed a little.",
        cites="Choquette-Choo, Tramèr, Carlini & Papernot 2021, Label-Only Membership Inference "
        "Attacks, ICML",
        game=Game.MEMBERSHIP,
        access=Access.LABEL_ONLY,
        moves_inputs=True,
    ),
    AttackerDef(
        name="boundary",
        params=BoundaryParams,
        target="safecompress_plugins.attackers.membership.boundary:Boundary",
        summary="Members are farther from the decision boundary.",
        cites="Choquette-Choo, Tramèr, Carlini & Papernot 2021, Label-Only Membership Inference "
        "Attacks, ICML; Chen, Jordan & Wainwright 2020, HopSkipJumpAttack, S&P",
        game=Game.MEMBERSHIP,
        access=Access.LABEL_ONLY,
        moves_inputs=True,
    ),
)
