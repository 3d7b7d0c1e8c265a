"""Names and parameters of the built-in attackers."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import Access, AttackerDef, AttackerParams, AttributeName, Game

__all__ = [
    "DEFINITIONS",
    "AttributeProbeParams",
    "LossThresholdParams",
    "ModifiedEntropyParams",
    "NeuralBlackboxParams",
    "NeuralParams",
    "NeuralWhiteboxParams",
]

Count = Annotated[int, Field(ge=1)]


class NeuralParams(AttackerParams):
    """How an attacker's network is trained."""

    epochs: Count = 100
    """Epochs on the model that is attacked first."""
    adapt_epochs: Annotated[int, Field(ge=0)] = 10
    """Further epochs on each model that grew out of it."""
    batch_size: Annotated[int, Field(ge=2)] = 128
    """Samples of a batch, half of them members."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    """Adam's learning rate."""


class NeuralBlackboxParams(NeuralParams):
    """A network over the model's answer and the label."""

    inputs: Literal["probabilities", "sorted", "logits"] = "probabilities"
    """What the network sees of the answer: posteriors by class, posteriors in descending order, or
    the values before softmax, from which the attack is far weaker."""
    deviation: Annotated[float, Field(gt=0)] = 0.1
    """Standard deviation of the initial weights. The papers write N(0, 0.01); 0.1 reads that as the
    variance, 0.01 is what their published code uses, from which the attack is weaker."""


class NeuralWhiteboxParams(NeuralParams):
    """A network over sorted posteriors, loss, last-layer gradient and label."""

    epochs: Count = 25
    """Epochs on the model that is attacked first; with more, this network learns attack-train by
    heart."""
    adapt_epochs: Annotated[int, Field(ge=0)] = 3
    """Further epochs on each model that grew out of it."""
    batch_size: Annotated[int, Field(ge=2)] = 64
    """Samples of a batch, half of them members."""


class AttributeProbeParams(AttackerParams):
    """A classifier from the representation to a private attribute."""

    attribute: AttributeName
    """The private attribute to find out."""
    classifier: Literal["logistic", "mlp", "boosting"] = "logistic"
    """scikit-learn's logistic regression, multilayer perceptron or histogram gradient boosting."""


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
        target="safecompress_plugins.attackers.neural_blackbox:NeuralBlackbox",
        summary="Network over posteriors and label tells members.",
        cites="Zhu, Wang & Han 2022, ASE, Fig. 2; Nasr, Shokri & Houmansadr 2018, CCS",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
    ),
    AttackerDef(
        name="neural-whitebox",
        params=NeuralWhiteboxParams,
        target="safecompress_plugins.attackers.neural_whitebox:NeuralWhitebox",
        summary="Network over sorted posteriors, loss, last-layer gradient, label tells members.",
        cites="Zhu, Wang & Han 2022, ASE, Fig. 6; Nasr, Shokri & Houmansadr 2019, S&P; "
        "Liu et al. 2022, ML-Doctor, USENIX Security",
        game=Game.MEMBERSHIP,
        access=Access.WHITE_BOX,
    ),
    AttackerDef(
        name="attribute-probe",
        params=AttributeProbeParams,
        target="safecompress_plugins.attackers.attribute_probe:AttributeProbe",
        summary="Classifier from the representation to a private attribute.",
        cites="Kosinski, Stillwell & Graepel 2013, PNAS 110(15); Song & Shmatikov 2020, "
        "Overlearning Reveals Sensitive Attributes, ICLR",
        game=Game.ATTRIBUTE,
        access=Access.WHITE_BOX,
    ),
    AttackerDef(
        name="loss-threshold",
        params=LossThresholdParams,
        target="safecompress_plugins.attackers.loss_threshold:LossThreshold",
        summary="Members are the samples with a small loss.",
        cites="Yeom, Giacomelli, Fredrikson & Jha 2018, CSF, Adversary 2",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
    ),
    AttackerDef(
        name="modified-entropy",
        params=ModifiedEntropyParams,
        target="safecompress_plugins.attackers.modified_entropy:ModifiedEntropy",
        summary="Members are the samples of small modified entropy, by a threshold for each class.",
        cites="Song & Mittal 2021, USENIX Security, Eq. 8",
        game=Game.MEMBERSHIP,
        access=Access.BLACK_BOX,
    ),
)
