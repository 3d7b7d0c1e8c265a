"""Names and parameters of the evasion attackers."""

from typing import Annotated

from pydantic import Field

from safecompress_core.api import WHITE_BOX, AttackerDef, EvasionAttackerParams

__all__ = ["DEFINITIONS", "FgsmParams", "PgdParams"]

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class FgsmParams(EvasionAttackerParams):
    """One step along the gradient of the loss."""


class PgdParams(EvasionAttackerParams):
    """Many steps along the gradient, each projected back into the perturbation budget."""

    steps: Count = 40
    """Steps from each start."""
    step_size: Positive | None = None
    """Size of a step, in the inputs' own unit; by default 2.5 · epsilon / steps."""
    restarts: Count = 1
    """Random starts; the first one that succeeds counts."""


HOME = "safecompress_plugins.attackers.evasion"

DEFINITIONS = (
    AttackerDef(
        name="fgsm",
        params=FgsmParams,
        target=f"{HOME}.gradient_evasion:Fgsm",
        summary="One step along the sign of the gradient changes the prediction.",
        cites="Goodfellow, Shlens & Szegedy 2015, Explaining and Harnessing Adversarial Examples, "
        "ICLR, section 4",
        game="evasion",
        needs=WHITE_BOX,
    ),
    AttackerDef(
        name="pgd",
        params=PgdParams,
        target=f"{HOME}.gradient_evasion:Pgd",
        summary="Many small steps along the gradient change the prediction.",
        cites="Madry, Makelov, Schmidt, Tsipras & Vladu 2018, Towards Deep Learning Models "
        "Resistant to Adversarial Attacks, ICLR, section 2.1",
        game="evasion",
        needs=WHITE_BOX,
    ),
)
