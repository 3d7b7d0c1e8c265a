"""Names and parameters of the membership attackers that need no reference models."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import Access, AttackerDef, AttackerParams, Game, LayerName

__all__ = [
    "DEFINITIONS",
    "ConfidenceParams",
    "EntropyParams",
    "GapParams",
    "GradientNormParams",
    "LossThresholdParams",
    "ModifiedEntropyParams",
    "NeuralBlackboxParams",
    "NeuralParams",
    "NeuralWhiteboxParams",
    "PopulationParams",
    "QuantileRegressionParams",
]

Count = Annotated[int, Field(ge=1, le=100_000)]


class NeuralParams(AttackerParams):
    """How a trained attacker learns."""

    learner: Literal["auto", "network", "svm", "boosting"] = "auto"
    """``network``: the network alone. ``svm`` and ``boosting``: scikit-learn's support vector
    machine or gradient boosting instead, with a regularisation chosen by cross-validation on
    attack-train. ``auto``: in an audit with at most 1,000 known records the
    support vector machine, since a network learns so few by heart; else the network, with which a
    run also compares its candidates."""
    epochs: Count = 100
    """Epochs on the model that is attacked first."""
    adapt_epochs: Annotated[int, Field(ge=0, le=100_000)] = 10
    """Further epochs on each model that grew out of it."""
    batch_size: Annotated[int, Field(ge=2, le=1_000_000)] = 128
    """Samples of a batch, half of them members."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Adam's learning rate."""


class NeuralBlackboxParams(NeuralParams):
    """A network over the model's answer and the label."""

    inputs: Literal["probabilities", "sorted", "top3", "correctness", "logits"] = "probabilities"
    """What the network sees of the answer: posteriors by class, posteriors in descending order, the
    three largest of them, whether the answer is right and nothing else, or the values before
    softmax, from which the attack is far weaker."""
    deviation: Annotated[float, Field(gt=0)] = 0.1
    """Standard deviation of the initial weights. The papers write N(0, 0.01); 0.1 reads that as the
    variance, 0.01 is what their published code uses, from which the attack is weaker."""


class NeuralWhiteboxParams(NeuralParams):
    """A network over sorted posteriors, loss, gradients and label."""

    epochs: Count = 25
    """Epochs on the model that is attacked first; with more, this network learns attack-train by
    heart."""
    adapt_epochs: Annotated[int, Field(ge=0, le=100_000)] = 3
    """Further epochs on each model that grew out of it."""
    batch_size: Annotated[int, Field(ge=2, le=1_000_000)] = 64
    """Samples of a batch, half of them members."""
    layers: list[LayerName] = []
    """Whose gradients the network sees: parameters (`0.weight`) or modules (`0`), a stream each.
    Weights that the model does not have are left out. If empty, the weight of the last layer."""


class GapParams(AttackerParams):
    """Whether the prediction is right."""


class ConfidenceParams(AttackerParams):
    """One threshold on the posterior of the label."""


class EntropyParams(AttackerParams):
    """One threshold on the entropy of the posteriors."""


class PopulationParams(AttackerParams):
    """The rank of a sample's loss among those of known non-members of its class."""

    samples: Count = 8
    """Known non-members that a class needs to be a population of its own."""


class QuantileRegressionParams(AttackerParams):
    """A regression of non-members' confidence on inputs and label."""

    regression: Literal["gaussian", "quantile"] = "gaussian"
    """``gaussian``: mean and deviation by ridge regression. ``quantile``: the median and a quantile
    above it by gradient boosting."""
    quantile: Annotated[float, Field(gt=0.5, lt=1)] = 0.9
    """The quantile above the median; their distance is the scale. For ``quantile`` alone."""


class GradientNormParams(AttackerParams):
    """A threshold on the norm of the last-layer gradient."""

    order: Annotated[float, Field(ge=1)] = 2.0
    """Order of the norm: 1 adds up absolute values, 2 is the Euclidean norm."""


class LossThresholdParams(AttackerParams):
    """One threshold on the loss."""


class ModifiedEntropyParams(AttackerParams):
    """A threshold on the modified entropy for each class."""

    samples: Count = 8
    """Members, and non-members, that a class needs for a threshold of its own."""


DEFINITIONS = (
    AttackerDef(
        name="neural-blackbox",
        params=NeuralBlackboxParams,
        target="safecompress_plugins.attackers.membership.neural_blackbox:NeuralBlackbox",
        summary="Network over posteriors and label tells members.",
        cites="Zhu, Wang & Han 2022, ASE, Fig. 2; Nasr, Shokri & Houmansadr 2018, CCS",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
    ),
    AttackerDef(
        name="neural-whitebox",
        params=NeuralWhiteboxParams,
        target="safecompress_plugins.attackers.membership.neural_whitebox:NeuralWhitebox",
        summary="Network over sorted posteriors, loss, gradients and label tells members.",
        cites="Zhu, Wang & Han 2022, ASE, Fig. 6; Nasr, Shokri & Houmansadr 2019, S&P; "
        "Liu et al. 2022, ML-Doctor, USENIX Security",
        game=Game.MEMBERSHIP,
        access=Access.WHITE_BOX,
    ),
    AttackerDef(
        name="loss-threshold",
        params=LossThresholdParams,
        target="safecompress_plugins.attackers.membership.loss_threshold:LossThreshold",
        summary="Members are the samples with a small loss.",
        cites="Yeom, Giacomelli, Fredrikson & Jha 2018, CSF, Adversary 2",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
    ),
    AttackerDef(
        name="modified-entropy",
        params=ModifiedEntropyParams,
        target="safecompress_plugins.attackers.membership.modified_entropy:ModifiedEntropy",
        summary="Members are the samples of small modified entropy, by a threshold for each class.",
        cites="Song & Mittal 2021, USENIX Security, Eq. 8",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
    ),
    AttackerDef(
        name="gap",
        params=GapParams,
        target="safecompress_plugins.attackers.membership.gap:Gap",
        summary="Members are the samples that the model gets right.",
        cites="Yeom, Giacomelli, Fredrikson & Jha 2018, CSF, Adversary 1",
        game=Game.MEMBERSHIP,
        access=Access.LABEL_ONLY,
    ),
    AttackerDef(
        name="confidence",
        params=ConfidenceParams,
        target="safecompress_plugins.attackers.membership.confidence:Confidence",
        summary="Members are the samples whose label is held to be likely.",
        cites="Song & Mittal 2021, USENIX Security, section 3.2",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
    ),
    AttackerDef(
        name="entropy",
        params=EntropyParams,
        target="safecompress_plugins.attackers.membership.entropy:Entropy",
        summary="Members are the samples that the model is sure of, right or wrong.",
        cites="Salem et al. 2019, ML-Leaks, NDSS, adversary 3; Song & Mittal 2021, USENIX Security",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
    ),
    AttackerDef(
        name="population",
        params=PopulationParams,
        target="safecompress_plugins.attackers.membership.population:Population",
        summary="Members have a smaller loss than non-members of their class.",
        cites="Ye et al. 2022, Enhanced Membership Inference Attacks, CCS, attack P",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
    ),
    AttackerDef(
        name="quantile-regression",
        params=QuantileRegressionParams,
        target="safecompress_plugins.attackers.membership.quantile_regression:QuantileRegression",
        summary="Members are held with more confidence than non-members like them would be.",
        cites="Bertran et al. 2023, Scalable Membership Inference Attacks via Quantile Regression, "
        "NeurIPS",
        game=Game.MEMBERSHIP,
        access=Access.GRAY_BOX,
    ),
    AttackerDef(
        name="gradient-norm",
        params=GradientNormParams,
        target="safecompress_plugins.attackers.membership.gradient_norm:GradientNorm",
        summary="Members have a small last-layer gradient.",
        cites="Nasr, Shokri & Houmansadr 2019, S&P; Rezaei & Liu 2021, CVPR",
        game=Game.MEMBERSHIP,
        access=Access.WHITE_BOX,
    ),
)
