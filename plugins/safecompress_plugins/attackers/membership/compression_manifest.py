"""Names and parameters of the membership attackers for compressed models."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import (
    BLACK_BOX,
    GRAY_BOX,
    AttackerDef,
    AttackerParams,
    Need,
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
    """Self-attention over posteriors, their sensitivity to noise, and the label."""

    epochs: Count = 20
    """Epochs on the first attacked model; with more, this network overfits attack-train."""
    adapt_epochs: Annotated[int, Field(ge=0, le=100_000)] = 3
    """Further epochs on each model derived from it."""
    queries: Count = 10
    """Noisy copies per sample."""
    noise: Annotated[float, Field(gt=0)] = 1e-3
    """Standard deviation of the noise on every input value, in the inputs' own unit."""


class CompressionDifferenceParams(AttackerParams):
    """A classifier over the outputs of the uncompressed and the compressed model."""

    classifier: Literal["forest", "logistic"] = "forest"
    """scikit-learn's random forest or logistic regression."""


class CompressionVersionsParams(VersionsAttackerParams):
    """Classifiers over the outputs of several compressed versions of a model."""

    classifier: Literal["forest", "logistic"] = "forest"
    """Classifier over two models' outputs: scikit-learn's random forest or logistic regression."""
    with_uncompressed: bool = True
    """Whether the adversary has the uncompressed model as well."""


DEFINITIONS = (
    AttackerDef(
        name="samia",
        params=SamiaParams,
        target="safecompress_plugins.attackers.membership.samia:Samia",
        summary="Self-attention over posteriors, their sensitivity to noise and label.",
        cites="Yuan & Zhang 2022, Membership Inference Attacks and Defenses in Neural Network "
        "Pruning, USENIX Security",
        game="membership",
        needs=GRAY_BOX,
    ),
    AttackerDef(
        name="compression-difference",
        params=CompressionDifferenceParams,
        target="safecompress_plugins.attackers.membership.compression_difference:CompressionDifference",
        summary="Members by the outputs of the uncompressed and the compressed model.",
        cites="Li et al. 2025, CompLeak: Deep Learning Model Compression Exacerbates Privacy "
        "Leakage, arXiv 2507.16872, CompLeak-SR",
        game="membership",
        needs=BLACK_BOX | {Need.UNCOMPRESSED},
    ),
    AttackerDef(
        name="compression-versions",
        params=CompressionVersionsParams,
        target="safecompress_plugins.attackers.membership.compression_versions:CompressionVersions",
        summary="Members by the outputs of several compressed versions of one model.",
        cites="Li et al. 2025, CompLeak: Deep Learning Model Compression Exacerbates Privacy "
        "Leakage, arXiv 2507.16872, CompLeak-MR",
        game="membership",
        needs=BLACK_BOX | {Need.UNCOMPRESSED, Need.VERSIONS},
    ),
)
