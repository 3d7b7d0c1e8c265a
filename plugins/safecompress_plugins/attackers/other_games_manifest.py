"""Names and parameters of the attackers that evade, invert or extract a model."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import (
    Access,
    AttackerDef,
    AttackerParams,
    EvasionAttackerParams,
    ExtractionAttackerParams,
    Game,
    GradientAttackerParams,
)

__all__ = [
    "DEFINITIONS",
    "DlgParams",
    "FgsmParams",
    "KnockoffParams",
    "MiFaceParams",
    "PgdParams",
]

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class FgsmParams(EvasionAttackerParams):
    """One step along the gradient of the loss."""


class PgdParams(EvasionAttackerParams):
    """Many steps along the gradient, back into the ball after each."""

    steps: Count = 40
    """Steps of each start."""
    step_size: Positive | None = None
    """How far a step goes, in the inputs' own unit; by default 2.5 · epsilon / steps."""
    restarts: Count = 1
    """Random starts; the first one that succeeds counts."""


class MiFaceParams(AttackerParams):
    """Gradient descent on the input, towards confidence in a class."""

    steps: Count = 1000
    """Steps at most."""
    step_size: Positive = 0.1
    """How far the input follows the gradient."""
    patience: Count = 100
    """A class is done when its best confidence is this many steps old."""
    confidence: Annotated[float, Field(gt=0, le=1)] = 0.99
    """A class is done when the model is this sure of it."""
    start: Literal["zeros", "mean"] = "zeros"
    """Where to begin: ``zeros`` as in the paper, or the ``mean`` of the adversary's own samples."""


class DlgParams(GradientAttackerParams):
    """Looks for the input whose gradient is the one that was seen."""

    steps: Count = 300
    """Iterations of L-BFGS at most, from each start."""
    restarts: Count = 2
    """Starts at most; of several the best match counts."""


class KnockoffParams(ExtractionAttackerParams):
    """A network of the adversary's own, trained on the model's answers."""

    hidden: Annotated[list[Count], Field(min_length=1)] = [256]
    """Width of each hidden layer of the clone."""
    epochs: Count = 100
    """Passes over the queried samples."""
    adapt_epochs: Count = 20
    """Passes for a slightly changed model."""
    learning_rate: Positive = 1e-3
    """Of Adam."""
    batch_size: Count = 64
    """Samples in a step."""


HOME = "safecompress_plugins.attackers"

DEFINITIONS = (
    AttackerDef(
        name="fgsm",
        params=FgsmParams,
        target=f"{HOME}.gradient_evasion:Fgsm",
        summary="One step along the sign of the gradient changes the answer.",
        cites="Goodfellow, Shlens & Szegedy 2015, Explaining and Harnessing Adversarial Examples, "
        "ICLR, section 4",
        game=Game.EVASION,
        access=Access.WHITE_BOX,
    ),
    AttackerDef(
        name="pgd",
        params=PgdParams,
        target=f"{HOME}.gradient_evasion:Pgd",
        summary="Many small steps along the gradient change the answer.",
        cites="Madry, Makelov, Schmidt, Tsipras & Vladu 2018, Towards Deep Learning Models "
        "Resistant to Adversarial Attacks, ICLR, section 2.1",
        game=Game.EVASION,
        access=Access.WHITE_BOX,
    ),
    AttackerDef(
        name="mi-face",
        params=MiFaceParams,
        target=f"{HOME}.mi_face:MiFace",
        summary="Gradient descent on the input shows what a class looks like.",
        cites="Fredrikson, Jha & Ristenpart 2015, Model Inversion Attacks that Exploit Confidence "
        "Information and Basic Countermeasures, CCS, Algorithm 1",
        game=Game.INVERSION,
        access=Access.WHITE_BOX,
    ),
    AttackerDef(
        name="dlg",
        params=DlgParams,
        target=f"{HOME}.dlg:Dlg",
        summary="The gradient of a single sample gives the sample away.",
        cites="Zhu, Liu & Han 2019, Deep Leakage from Gradients, NeurIPS, Algorithm 1; Zhao, "
        "Mopuri & Bilen 2020, iDLG, arXiv 2001.02610, equation 4",
        game=Game.INVERSION,
        access=Access.WHITE_BOX,
        gradients=True,
    ),
    AttackerDef(
        name="knockoff",
        params=KnockoffParams,
        target=f"{HOME}.knockoff:Knockoff",
        summary="A clone that is trained on the model's answers.",
        cites="Orekondy, Schiele & Fritz 2019, Knockoff Nets: Stealing Functionality of Black-Box "
        "Models, CVPR, section 4",
        game=Game.EXTRACTION,
        access=Access.BLACK_BOX,
    ),
)
