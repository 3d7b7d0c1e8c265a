"""Names and parameters of the attackers that were made for compressed models."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import (
    Access,
    AttackerDef,
    AttackerParams,
    Game,
    VersionsAttackerParams,
)
from safecompress_plugins.attackers.membership.manifest import NeuralParams

__all__ = [
    "DEFINITIONS",
    "CompressionDifferenceParams",
    "CompressionVersionsParams",
    "SamiaParams",
]

Count = Annotated[int, Field(ge=1, le=100_000)]


class SamiaParams(NeuralParams):
    """Self-attention over a model's answer, how it moves under noise, and the label."""

    epochs: Count = 20
    """Epochs on the model that is attacked first; with more, this network learns attack-train by
    heart."""
    adapt_epochs: Annotated[int, Field(ge=0, le=100_000)] = 3
    """Further epochs on each model that grew out of it."""
    queries: Count = 10
    """Noisy copies of each sample that the model is asked about."""
    noise: Annotated[float, Field(gt=0)] = 1e-3
    """Standard deviation of the noise on every input value, in the inputs' own unit."""


class CompressionDifferenceParams(AttackerParams):
    """A classifier over the answers of the uncompressed and of the compressed model."""

    classifier: Literal["forest", "logistic"] = "forest"
    """scikit-learn's random forest or logistic regression."""


class CompressionVersionsParams(VersionsAttackerParams):
    """Classifiers over the answers of several compressed versions of a model."""

    classifier: Literal["forest", "logistic"] = "forest"
    """What reads the answers of two models: scikit-learn's random forest or logistic regression."""
    with_uncompressed: bool = True
    """Whether it holds the uncompressed model as well."""


DEFINITIONS = (
    AttackerDef(
        name="samia",
        params=SamiaParams,
        target="safecompress_plugins.attackers.membership.samia:Samia",
        summary="Self-attention over posteriors, their sensitivity to noise and label.",
        cites="Yuan & Zhang 2022, Membership Inference Attacks and Defenses in Neural Network "
        "Pruning, USENIX Security",
        game=Game.MEMBERSHIP,
        access=Access.GRAY_BOX,
    ),
    AttackerDef(
        name="compression-difference",
        params=CompressionDifferenceParams,
        target="safecompress_plugins.attackers.membership.compression_difference:CompressionDifference",
        summary="Members by the answers of both the uncompressed and the compressed model.",
        cites="Li et al. 2025, CompLeak: Deep Learning Model Compression Exacerbates Privacy "
        "Leakage, arXiv 2507.16872, CompLeak-SR",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
        pairs_with_uncompressed=True,
    ),
    AttackerDef(
        name="compression-versions",
        params=CompressionVersionsParams,
        target="safecompress_plugins.attackers.membership.compression_versions:CompressionVersions",
        summary="Members by the answers of several compressed versions of one model.",
        cites="Li et al. 2025, CompLeak: Deep Learning Model Compression Exacerbates Privacy "
        "Leakage, arXiv 2507.16872, CompLeak-MR",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
        pairs_with_uncompressed=True,
        sees_versions=True,
    ),
)
