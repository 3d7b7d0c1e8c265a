"""Names and parameters of the membership attackers without reference models."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import (
    BLACK_BOX,
    GRAY_BOX,
    LABEL_ONLY,
    WHITE_BOX,
    AttackerDef,
    AttackerParams,
    LayerName,
    Need,
)

__all__ = [
    "DEFINITIONS",
    "ConfidenceParams",
    "CounterfactualParams",
    "EntropyAttackParams",
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
    """Training of an attacker."""

    learner: Literal["auto", "network", "svm", "boosting"] = "auto"
    """``network``: the network alone. ``svm`` and ``boosting``: scikit-learn's support vector
    machine or gradient boosting instead, with regularisation chosen by cross-validation on
    attack-train. ``auto``: the support vector machine in an audit with at most 1,000 records in
    attack-train, which a network would overfit; otherwise the network, which a run also uses to
    compare candidates."""
    epochs: Count = 100
    """Epochs on the first attacked model."""
    adapt_epochs: Annotated[int, Field(ge=0, le=100_000)] = 10
    """Further epochs on each model derived from it."""
    batch_size: Annotated[int, Field(ge=2, le=1_000_000)] = 128
    """Samples per batch, half of them members."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Adam's learning rate."""


class NeuralBlackboxParams(NeuralParams):
    """A network over the model's output and the label."""

    inputs: Literal["probabilities", "sorted", "top3", "correctness", "logits"] = "probabilities"
    """The network's view of the output: posteriors by class, posteriors in descending order, the
    three largest of them, correctness alone, or logits, from which the attack is far weaker."""
    deviation: Annotated[float, Field(gt=0)] = 0.1
    """Standard deviation of the initial weights. The papers write N(0, 0.01); 0.1 reads that as the
    variance, 0.01 is what their published code uses, from which the attack is weaker."""


class NeuralWhiteboxParams(NeuralParams):
    """A network over sorted posteriors, loss, gradients and label."""

    epochs: Count = 25
    """Epochs on the first attacked model; with more, this network overfits attack-train."""
    adapt_epochs: Annotated[int, Field(ge=0, le=100_000)] = 3
    """Further epochs on each model derived from it."""
    batch_size: Annotated[int, Field(ge=2, le=1_000_000)] = 64
    """Samples per batch, half of them members."""
    layers: list[LayerName] = []
    """Layers whose gradients the network observes: parameters (`0.weight`) or modules (`0`), a
    stream each. Pruned weights are left out. If empty, the weight of the last layer."""


class CounterfactualParams(AttackerParams):
    """Comparison with the swap twin, which a race of lineages trains."""


class GapParams(AttackerParams):
    """Correctness of the prediction."""


class ConfidenceParams(AttackerParams):
    """One threshold on the posterior of the label."""


class EntropyAttackParams(AttackerParams):
    """One threshold on the entropy of the posteriors."""


class PopulationParams(AttackerParams):
    """The rank of a sample's loss among those of the class's non-members in attack-train."""

    samples: Count = 8
    """Non-members that a class needs for a population of its own."""


class QuantileRegressionParams(AttackerParams):
    """A regression of non-members' confidence on inputs and label."""

    regression: Literal["gaussian", "quantile"] = "gaussian"
    """``gaussian``: mean and deviation by ridge regression. ``quantile``: the median and a higher
    quantile by gradient boosting."""
    quantile: Annotated[float, Field(gt=0.5, lt=1)] = 0.9
    """The higher quantile; its distance to the median is the scale. For ``quantile`` alone."""


class GradientNormParams(AttackerParams):
    """A threshold on the norm of the last-layer gradient."""

    order: Annotated[float, Field(ge=1)] = 2.0
    """Order of the norm: 1 is the sum of absolute values, 2 the Euclidean norm."""


class LossThresholdParams(AttackerParams):
    """One threshold on the loss."""


class ModifiedEntropyParams(AttackerParams):
    """One threshold on the modified entropy per class."""

    samples: Count = 8
    """Members, and non-members, that a class needs for a threshold of its own."""


DEFINITIONS = (
    AttackerDef(
        name="neural-blackbox",
        params=NeuralBlackboxParams,
        target="safecompress_plugins.attackers.membership.neural_blackbox:NeuralBlackbox",
        summary="Network over posteriors and label infers membership.",
        cites="Zhu, Wang & Han 2022, ASE, Fig. 2; Nasr, Shokri & Houmansadr 2018, CCS",
        game="membership",
        needs=BLACK_BOX,
        is_trained=True,
    ),
    AttackerDef(
        name="neural-whitebox",
        params=NeuralWhiteboxParams,
        target="safecompress_plugins.attackers.membership.neural_whitebox:NeuralWhitebox",
        summary="Network over sorted posteriors, loss, gradients and label infers membership.",
        cites="Zhu, Wang & Han 2022, ASE, Fig. 6; Nasr, Shokri & Houmansadr 2019, S&P; "
        "Liu et al. 2022, ML-Doctor, USENIX Security",
        game="membership",
        needs=WHITE_BOX,
        is_trained=True,
    ),
    AttackerDef(
        name="loss-threshold",
        params=LossThresholdParams,
        target="safecompress_plugins.attackers.membership.loss_threshold:LossThreshold",
        summary="Members are the samples with a small loss.",
        cites="Yeom, Giacomelli, Fredrikson & Jha 2018, CSF, Adversary 2",
        game="membership",
        needs=BLACK_BOX,
    ),
    AttackerDef(
        name="modified-entropy",
        params=ModifiedEntropyParams,
        target="safecompress_plugins.attackers.membership.modified_entropy:ModifiedEntropy",
        summary="Members are the samples of small modified entropy, by a threshold for each class.",
        cites="Song & Mittal 2021, USENIX Security, Eq. 8",
        game="membership",
        needs=BLACK_BOX,
    ),
    AttackerDef(
        name="gap",
        params=GapParams,
        target="safecompress_plugins.attackers.membership.gap:Gap",
        summary="Members are the correctly classified samples.",
        cites="Yeom, Giacomelli, Fredrikson & Jha 2018, CSF, Adversary 1",
        game="membership",
        needs=LABEL_ONLY,
    ),
    AttackerDef(
        name="confidence",
        params=ConfidenceParams,
        target="safecompress_plugins.attackers.membership.confidence:Confidence",
        summary="Members are the samples with a large posterior of their label.",
        cites="Song & Mittal 2021, USENIX Security, section 3.2",
        game="membership",
        needs=BLACK_BOX,
    ),
    AttackerDef(
        name="entropy",
        params=EntropyAttackParams,
        target="safecompress_plugins.attackers.membership.entropy_attack:EntropyAttack",
        summary="Members are the samples with a confident prediction, right or wrong.",
        cites="Salem et al. 2019, ML-Leaks, NDSS, adversary 3; Song & Mittal 2021, USENIX Security",
        game="membership",
        needs=BLACK_BOX,
    ),
    AttackerDef(
        name="population",
        params=PopulationParams,
        target="safecompress_plugins.attackers.membership.population:Population",
        summary="Members have a smaller loss than non-members of their class.",
        cites="Ye et al. 2022, Enhanced Membership Inference Attacks, CCS, attack P",
        game="membership",
        needs=BLACK_BOX,
    ),
    AttackerDef(
        name="quantile-regression",
        params=QuantileRegressionParams,
        target="safecompress_plugins.attackers.membership.quantile_regression:QuantileRegression",
        summary="Members have more confidence than a regression on non-members predicts.",
        cites="Bertran et al. 2023, Scalable Membership Inference Attacks via Quantile Regression, "
        "NeurIPS",
        game="membership",
        needs=GRAY_BOX,
    ),
    AttackerDef(
        name="gradient-norm",
        params=GradientNormParams,
        target="safecompress_plugins.attackers.membership.gradient_norm:GradientNorm",
        summary="Members have a small last-layer gradient.",
        cites="Nasr, Shokri & Houmansadr 2019, S&P; Rezaei & Liu 2021, CVPR",
        game="membership",
        needs=WHITE_BOX,
    ),
    AttackerDef(
        name="counterfactual",
        params=CounterfactualParams,
        target="safecompress_plugins.attackers.membership.counterfactual:Counterfactual",
        summary="Members are more probable to the model than to its swap twin; only for selection.",
        cites="Feldman 2020, Does Learning Require Memorization?, STOC; Zhang et al. 2023, "
        "Counterfactual Memorization in Neural Language Models, NeurIPS",
        game="membership",
        needs=BLACK_BOX | {Need.TWIN},
    ),
)
