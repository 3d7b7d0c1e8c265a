"""Names and parameters of the built-in defences."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import AttributeName, DefenceDef, DefenceParams
from safecompress_plugins.defences.training.manifest import DEFINITIONS as OF_TRAINING

__all__ = [
    "DEFINITIONS",
    "AdversarialRegularisationParams",
    "AugmentationParams",
    "DistillationParams",
    "EntropyParams",
    "GradientReversalParams",
    "HampParams",
    "L1Params",
    "L2Params",
    "LabelSmoothingParams",
    "MemguardParams",
    "MixupParams",
    "PairRegularisationParams",
    "RelaxLossParams",
]

Strength = Annotated[float, Field(ge=0)]


class EntropyParams(DefenceParams):
    """Rewards unsure answers in training."""

    on: Literal["all", "misclassified"] = "misclassified"
    """Whose entropy counts. ``all``: every sample of the batch (the paper's re1).
    ``misclassified``: those that the model gets wrong (re2)."""
    weight: Strength = 0.1
    """How much one nat of mean entropy is worth; 0 is no defence."""


class RelaxLossParams(DefenceParams):
    """Keeps the training loss from falling under a target."""

    target: Strength = 0.3
    """Mean cross-entropy of a batch, in nats, under which training turns round; 0 is no
    defence."""


class GradientReversalParams(DefenceParams):
    """Unlearns a private attribute against an adversary that reads it from the representation."""

    attribute: AttributeName
    """The private attribute that the representation shall not tell."""
    weight: Strength = 0.1
    """How strongly the representation works against the adversary; with 0 the adversary still
    learns, and the model trains as if it were not there."""
    hidden: Annotated[int, Field(ge=1, le=65_536)] = 100
    """Width of the adversary's hidden layer."""


class AugmentationParams(DefenceParams):
    """Shows the model a slightly different sample every time, in training only."""

    noise: Strength = 0.0
    """Standard deviation of Gaussian noise on every input value, in the inputs' own unit."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest rotation of an image to either side, in degrees."""
    translation: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Largest shift of an image in each direction, as a fraction of its side."""
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Largest relative change of an image's size: 0.1 draws factors from 0.9 to 1.1."""


class L2Params(DefenceParams):
    """Keeps weights small."""

    weight: Strength = 1e-4
    """Half of it times the sum of squared weights is added to the loss; 0 is no defence."""


class L1Params(DefenceParams):
    """Pulls every weight towards 0 by the same amount."""

    weight: Strength = 1e-4
    """It times the sum of the weights' sizes is added to the loss; 0 is no defence."""


class LabelSmoothingParams(DefenceParams):
    """Asks the model to be less than certain."""

    amount: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the target that all classes have alike (the paper's ε); 0 is no defence."""


class MixupParams(DefenceParams):
    """Shows the model mixtures of two samples."""

    alpha: Annotated[float, Field(gt=0)] = 0.2
    """How evenly two samples are mixed: near 0 hardly ever, at 1 in all proportions alike."""


class HampParams(DefenceParams):
    """Has the model learn labels that leave much open, and tell the ranks of labels alone."""

    entropy: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Entropy of every label the model learns, as a share of the highest that there is, log C
    (the paper's γ)."""
    weight: Strength = 0.01
    """How much one nat of mean entropy of the answers is worth (the paper's α)."""
    answers: Annotated[int, Field(ge=0)] = 256
    """Random inputs whose answers' values take the place of those of every answer that the model
    gives; they ship with it. 0 leaves answers alone, and only trains."""


class MemguardParams(DefenceParams):
    """Puts noise on answers that misleads whoever attacks by them; labels stay."""

    budget: Annotated[float, Field(ge=0, le=2)] = 1.0
    """How far answers may be from the model's own on average: L1 distance of posteriors (the
    paper's ε); 0 is no defence."""
    hidden: Annotated[list[Annotated[int, Field(ge=1, le=65_536)]], Field(min_length=1)] = [64, 32]
    """Widths of the defender's own attacker, which noise is made against. It ships with the model;
    the paper's has 256, 128 and 64."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 100
    """How long it learns, whenever the model has been trained on."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    """Of Adam."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 300
    """Of the search for noise, at most, for each weight of its size."""
    step_size: Annotated[float, Field(gt=0)] = 0.1
    """Length of such a step, in logits."""


class PairRegularisationParams(DefenceParams):
    """Makes the ranked answers about different samples alike."""

    weight: Strength = 1.0
    """How much one nat of divergence between the ranked answers of a pair costs; 0 is no
    defence."""


class DistillationParams(DefenceParams):
    """Has the model learn the uncompressed model's answers beside the labels."""

    temperature: Annotated[float, Field(gt=0)] = 4.0
    """What logits are divided by: the higher, the more the wrong classes' ranks count."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Share of the loss that the teacher's answers have; the labels have the rest. 0 is no
    defence."""


class AdversarialRegularisationParams(DefenceParams):
    """Trains against an attacker on membership that learns along."""

    weight: Strength = 1.0
    """How much the attacker's gain costs the model (the paper's λ); 0 is no defence."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Steps that the attacker takes for each step of the model."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    """Step size of the attacker."""
    width: Annotated[int, Field(ge=16, le=65_536)] = 1024
    """Units of the attacker's widest layer; all others follow. The paper has 1024."""


DEFINITIONS = (
    DefenceDef(
        name="entropy",
        params=EntropyParams,
        target="safecompress_plugins.defences.training.entropy:Entropy",
        summary="Rewards unsure answers, on all samples (re1) or on misclassified ones (re2).",
        cites="Zhu, Wang & Han 2022, Safety and Performance, Why not Both?, ASE, Eq. 8 and 9",
    ),
    DefenceDef(
        name="relaxloss",
        params=RelaxLossParams,
        target="safecompress_plugins.defences.training.relaxloss:RelaxLoss",
        summary="Gradient ascent and posterior flattening once the loss falls under a target.",
        cites="Chen, Yu & Fritz 2022, RelaxLoss, ICLR, Algorithm 1",
    ),
    DefenceDef(
        name="gradient-reversal",
        params=GradientReversalParams,
        target="safecompress_plugins.defences.training.gradient_reversal:GradientReversal",
        summary="Hides a private attribute from an adversary that reads the representation.",
        cites="Ganin & Lempitsky 2015, Unsupervised Domain Adaptation by Backpropagation, ICML",
    ),
    DefenceDef(
        name="augmentation",
        params=AugmentationParams,
        target="safecompress_plugins.defences.training.augmentation:Augmentation",
        summary="Input noise and, for images, small affine changes; in training only.",
        cites="Simard, Steinkraus & Platt 2003, ICDAR; Bishop 1995, Neural Computation 7(1)",
        moves_inputs=True,
    ),
    DefenceDef(
        name="l2",
        params=L2Params,
        target="safecompress_plugins.defences.training.l2:L2",
        summary="Penalty on squared weights.",
        cites="Krogh & Hertz 1991, A Simple Weight Decay Can Improve Generalization, NeurIPS",
    ),
    DefenceDef(
        name="l1",
        params=L1Params,
        target="safecompress_plugins.defences.training.l1:L1",
        summary="Penalty on the sizes of weights.",
        cites="Tibshirani 1996, Regression Shrinkage and Selection via the Lasso, JRSS B 58",
    ),
    DefenceDef(
        name="label-smoothing",
        params=LabelSmoothingParams,
        target="safecompress_plugins.defences.training.label_smoothing:LabelSmoothing",
        summary="Targets that are less than certain.",
        cites="Szegedy et al. 2016, Rethinking the Inception Architecture, CVPR, section 7",
    ),
    DefenceDef(
        name="hamp",
        params=HampParams,
        target="safecompress_plugins.defences.outputs.hamp:Hamp",
        summary="Labels of high entropy, a reward for unsure answers, and values that say nothing.",
        cites="Chen & Pattabiraman 2024, Overconfidence is a Dangerous Thing, NDSS",
    ),
    DefenceDef(
        name="pair-regularisation",
        params=PairRegularisationParams,
        target="safecompress_plugins.defences.training.pair_regularisation:PairRegularisation",
        summary="Ranked answers about different samples are made alike (PPB).",
        cites="Yuan & Zhang 2022, Membership Inference Attacks and Defenses, USENIX Security",
    ),
    DefenceDef(
        name="mixup",
        params=MixupParams,
        target="safecompress_plugins.defences.training.mixup:Mixup",
        summary="Mixtures of two samples, with labels mixed alike; in training only.",
        cites="Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization, ICLR, Eq. 1 and 2",
        moves_inputs=True,
    ),
    DefenceDef(
        name="distillation",
        params=DistillationParams,
        target="safecompress_plugins.defences.training.distillation:Distillation",
        summary="The uncompressed model's softened answers beside the labels.",
        cites="Hinton, Vinyals & Dean 2015, Distilling the Knowledge in a Neural Network",
        teacher=True,
    ),
    DefenceDef(
        name="adversarial-regularisation",
        params=AdversarialRegularisationParams,
        target="safecompress_plugins.defences.training.adversarial_regularisation:AdversarialRegularisation",
        summary="Training against an attacker on membership that learns along.",
        cites="Nasr, Shokri & Houmansadr 2018, CCS, Eq. 7 and 8, Algorithm 1",
        reference_data=True,
    ),
    DefenceDef(
        name="memguard",
        params=MemguardParams,
        target="safecompress_plugins.defences.outputs.memguard:Memguard",
        summary="Noise on answers, made against an attacker; nothing for who holds the file.",
        cites="Jia et al. 2019, MemGuard, CCS, section 4",
        reference_data=True,
    ),
    *OF_TRAINING,
)
