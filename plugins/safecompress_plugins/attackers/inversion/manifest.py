"""Names and parameters of the inversion attackers."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import (
    WHITE_BOX,
    AttackerDef,
    AttackerParams,
    GradientAttackerParams,
    Need,
)

__all__ = ["DEFINITIONS", "DlgParams", "MiFaceParams"]

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class MiFaceParams(AttackerParams):
    """Gradient descent on the input towards confidence in a class."""

    steps: Count = 1000
    """Maximum number of steps."""
    step_size: Positive = 0.1
    """Step size along the gradient."""
    patience: Count = 100
    """Steps without improvement after which a class stops."""
    confidence: Annotated[float, Field(gt=0, le=1)] = 0.99
    """Confidence at which a class stops."""
    start: Literal["zeros", "mean"] = "zeros"
    """Initial input: ``zeros`` as in the paper, or the ``mean`` of the adversary's own samples."""


class DlgParams(GradientAttackerParams):
    """A search for the input that has the observed gradient."""

    steps: Count = 300
    """Maximum L-BFGS iterations from each start."""
    restarts: Count = 2
    """Maximum number of starts; the best match counts."""


HOME = "safecompress_plugins.attackers.inversion"

DEFINITIONS = (
    AttackerDef(
        name="mi-face",
        params=MiFaceParams,
        target=f"{HOME}.mi_face:MiFace",
        summary="Gradient descent on the input reconstructs a typical sample of a class.",
        cites="Fredrikson, Jha & Ristenpart 2015, Model Inversion Attacks that Exploit Confidence "
        "Information and Basic Countermeasures, CCS, Algorithm 1",
        game="inversion",
        needs=WHITE_BOX,
    ),
    AttackerDef(
        name="dlg",
        params=DlgParams,
        target=f"{HOME}.dlg:Dlg",
        summary="The gradient of a single sample reveals the sample.",
        cites="Zhu, Liu & Han 2019, Deep Leakage from Gradients, NeurIPS, Algorithm 1; Zhao, "
        "Mopuri & Bilen 2020, iDLG, arXiv 2001.02610, equation 4",
        game="inversion",
        needs=WHITE_BOX | {Need.GRADIENTS},
    ),
)
