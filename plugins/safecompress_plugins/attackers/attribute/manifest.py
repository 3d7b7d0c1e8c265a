"""Names and parameters of the built-in attribute attackers."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import (
    BLACK_BOX,
    GRAY_BOX,
    WHITE_BOX,
    AttackerDef,
    AttributeAttackerParams,
    LayerName,
    Need,
)

__all__ = [
    "DEFINITIONS",
    "AttributeBlackboxParams",
    "AttributeByMembershipParams",
    "AttributeClassifierParams",
    "AttributeImputationGainParams",
    "AttributeNeuronsParams",
    "AttributeProbeParams",
    "AttributeQueryParams",
]


class AttributeClassifierParams(AttributeAttackerParams):
    """A classifier from observed features to a private attribute."""

    classifier: Literal["logistic", "mlp", "boosting"] = "logistic"
    """scikit-learn's logistic regression, multilayer perceptron or histogram gradient boosting."""


class AttributeProbeParams(AttributeClassifierParams):
    """A classifier from the representation, and public features, to a private attribute."""


class AttributeBlackboxParams(AttributeClassifierParams):
    """A classifier from the model's output, public features and label to a private attribute."""

    output: Literal["logits", "posteriors"] = "logits"
    """The classifier's view of the output: logits, or posteriors, from which a linear classifier
    learns less."""


class AttributeNeuronsParams(AttributeAttackerParams):
    """The neurons that a value of the attribute excites most."""

    neurons: Annotated[int, Field(ge=1, le=1_000_000)] = 10
    """Neurons per value; Jayaraman & Evans compare 1, 10 and 100."""
    # A mutable default is safe here: pydantic copies it for every instance.
    layers: list[LayerName] = []
    """Layers whose neurons are read, each a module or one of its parameters. By default the
    representation."""


class AttributeQueryParams(AttributeAttackerParams):
    """An attack that queries the model with every value of a private attribute."""

    prior: Literal["frequency", "features"] = "frequency"
    """Prior probability of a value: its frequency in attack-train, as in the papers, or the
    estimate of a logistic regression on public features."""


class AttributeImputationGainParams(AttributeQueryParams):
    """The value under which the model best predicts the task label."""

    by: Literal["confusion", "posterior", "csmia"] = "confusion"
    """Use of the output: the model's confusion matrix, the posterior of the task label, or the
    confidences of CSMIA, which has no prior."""


class AttributeByMembershipParams(AttributeQueryParams):
    """The value with which a sample looks most like a member."""


DEFINITIONS = (
    AttackerDef(
        name="attribute-probe",
        params=AttributeProbeParams,
        target="safecompress_plugins.attackers.attribute.attribute_probe:AttributeProbe",
        summary="Classifier from the representation, and public features, to a private attribute.",
        cites="Kosinski, Stillwell & Graepel 2013, PNAS 110(15); Song & Shmatikov 2020, "
        "Overlearning Reveals Sensitive Attributes, ICLR",
        game="attribute",
        needs=WHITE_BOX,
    ),
    AttackerDef(
        name="attribute-blackbox",
        params=AttributeBlackboxParams,
        target="safecompress_plugins.attackers.attribute.attribute_blackbox:AttributeBlackbox",
        summary="Classifier from output, public features and label to a private attribute.",
        cites="Jayaraman & Evans 2022, Are Attribute Inference Attacks Just Imputation?, CCS; "
        "Mehnaz et al. 2022, USENIX Security",
        game="attribute",
        needs=BLACK_BOX,
    ),
    AttackerDef(
        name="attribute-neurons",
        params=AttributeNeuronsParams,
        target="safecompress_plugins.attackers.attribute.attribute_neurons:AttributeNeurons",
        summary="Each value is inferred from the neurons that correlate with it most.",
        cites="Jayaraman & Evans 2022, Are Attribute Inference Attacks Just Imputation?, CCS, "
        "white-box attack",
        game="attribute",
        needs=WHITE_BOX,
    ),
    AttackerDef(
        name="attribute-imputation-gain",
        params=AttributeImputationGainParams,
        target="safecompress_plugins.attackers.attribute.attribute_imputation_gain:AttributeImputationGain",
        summary="The value under which the model best predicts the task label, weighted by prior.",
        cites="Fredrikson et al. 2014, Privacy in Pharmacogenetics, USENIX Security; "
        "Mehnaz et al. 2022, USENIX Security (CSMIA)",
        game="attribute",
        needs=GRAY_BOX | {Need.ENCODING},
    ),
    AttackerDef(
        name="attribute-by-membership",
        params=AttributeByMembershipParams,
        target="safecompress_plugins.attackers.attribute.attribute_by_membership:AttributeByMembership",
        summary="The value with which a sample looks most like a member, weighted by prior.",
        cites="Yeom et al. 2018, Privacy Risk in Machine Learning, section 5",
        game="attribute",
        needs=GRAY_BOX | {Need.ENCODING},
    ),
)
