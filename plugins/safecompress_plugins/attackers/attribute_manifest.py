"""Names and parameters of the built-in attackers of private attributes."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import Access, AttackerDef, AttributeAttackerParams, Game

__all__ = [
    "DEFINITIONS",
    "AttributeBlackboxParams",
    "AttributeClassifierParams",
    "AttributeNeuronsParams",
    "AttributeProbeParams",
]


class AttributeClassifierParams(AttributeAttackerParams):
    """An attack that is a classifier from what is seen to a private attribute."""

    classifier: Literal["logistic", "mlp", "boosting"] = "logistic"
    """scikit-learn's logistic regression, multilayer perceptron or histogram gradient boosting."""


class AttributeProbeParams(AttributeClassifierParams):
    """A classifier from the representation to a private attribute."""


class AttributeBlackboxParams(AttributeClassifierParams):
    """A classifier from the model's answer and the task label to a private attribute."""

    output: Literal["logits", "posteriors"] = "logits"
    """What the classifier sees of the answer: the values before softmax, or the posteriors, from
    which a linear classifier learns less."""


class AttributeNeuronsParams(AttributeAttackerParams):
    """The neurons that a value of the attribute excites most."""

    neurons: Annotated[int, Field(ge=1)] = 10
    """How many neurons speak for each value; Jayaraman & Evans compare 1, 10 and 100."""


DEFINITIONS = (
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
        name="attribute-blackbox",
        params=AttributeBlackboxParams,
        target="safecompress_plugins.attackers.attribute_blackbox:AttributeBlackbox",
        summary="Classifier from the model's answer and the task label to a private attribute.",
        cites="Jayaraman & Evans 2022, Are Attribute Inference Attacks Just Imputation?, CCS; "
        "Mehnaz et al. 2022, USENIX Security",
        game=Game.ATTRIBUTE,
        access=Access.BLACK_BOX,
    ),
    AttackerDef(
        name="attribute-neurons",
        params=AttributeNeuronsParams,
        target="safecompress_plugins.attackers.attribute_neurons:AttributeNeurons",
        summary="Each value is told by the neurons that correlate with it most.",
        cites="Jayaraman & Evans 2022, Are Attribute Inference Attacks Just Imputation?, CCS, "
        "white-box attack",
        game=Game.ATTRIBUTE,
        access=Access.WHITE_BOX,
    ),
)
