"""Names and parameters of the label-only membership attackers."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import LABEL_ONLY, AttackerDef, AttackerParams, Need

__all__ = ["DEFINITIONS", "AugmentationAttackParams", "BoundaryParams"]


class AugmentationAttackParams(AttackerParams):
    """Robustness of a prediction under perturbations of the sample."""

    noise: list[Annotated[float, Field(gt=0)]] = [0.02, 0.05, 0.1, 0.2, 0.3]
    """Standard deviations of Gaussian noise on every input value, in the inputs' own unit."""
    copies: Annotated[int, Field(ge=1, le=1000)] = 10
    """Noisy copies per sample and noise level."""
    shift: Annotated[int, Field(ge=0, le=4096)] = 1
    """Shift of images in each direction, in pixels; other inputs are not shifted."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 4.0
    """Rotation of images to either side, in degrees; other inputs are not rotated."""


class BoundaryParams(AttackerParams):
    """Distance from a sample to an input with another prediction."""

    steps: Annotated[int, Field(ge=1, le=100_000)] = 3
    """Jumps along the boundary; more make the distance more exact."""
    queries: Annotated[int, Field(ge=2, le=1_000_000)] = 30
    """Queries per sample before each jump; ``hopskipjump`` increases them with the square root of
    the jump's number."""
    search: Literal["batched", "hopskipjump"] = "batched"
    """The search: ``batched``, HopSkipJump for many samples at once; ``hopskipjump``, that of
    adversarial-robustness-toolbox, sample by sample: many times slower, and only with the extra
    ``attacks``."""
    budget: Annotated[int, Field(ge=10)] = 1000
    """Maximum queries per sample; ``hopskipjump`` only."""


DEFINITIONS = (
    AttackerDef(
        name="augmentation",
        params=AugmentationAttackParams,
        target="safecompress_plugins.attackers.membership.augmentation_attack:AugmentationAttack",
        summary="Members are classified correctly even under small perturbations.",
        cites="Choquette-Choo, Tramèr, Carlini & Papernot 2021, Label-Only Membership Inference "
        "Attacks, ICML",
        game="membership",
        needs=LABEL_ONLY | {Need.CONTINUOUS_INPUTS},
    ),
    AttackerDef(
        name="boundary",
        params=BoundaryParams,
        target="safecompress_plugins.attackers.membership.boundary_attack:BoundaryAttack",
        summary="Members are farther from the decision boundary.",
        cites="Choquette-Choo, Tramèr, Carlini & Papernot 2021, Label-Only Membership Inference "
        "Attacks, ICML; Chen, Jordan & Wainwright 2020, HopSkipJumpAttack, S&P",
        game="membership",
        needs=LABEL_ONLY | {Need.CONTINUOUS_INPUTS},
    ),
)
