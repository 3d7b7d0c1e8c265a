"""Names and parameters of the inversion attackers."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import Access, AttackerDef, AttackerParams, Game, GradientAttackerParams

__all__ = ["DEFINITIONS", "DlgParams", "MiFaceParams"]

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=100_000)]


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


HOME = "safecompress_plugins.attackers.inversion"

DEFINITIONS = (
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
)
