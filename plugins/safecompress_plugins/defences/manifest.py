"""Names and parameters of the built-in defences."""

from typing import Annotated, Literal

from pydantic import Field

from safecompress_core.api import AttributeName, DefenceDef, DefenceParams, Need
from safecompress_plugins.defences.training.manifest import DEFINITIONS as OF_TRAINING

__all__ = [
    "DEFINITIONS",
    "AdversarialRegularisationParams",
    "AttributionPreservationParams",
    "AugmentationDefenceParams",
    "DistillationParams",
    "EntropyRegularisationParams",
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


class EntropyRegularisationParams(DefenceParams):
    """Entropy regularisation: a reward for uncertain posteriors."""

    on: Literal["all", "misclassified"] = "misclassified"
    """Samples whose entropy counts. ``all``: every sample of the batch (the paper's re1).
    ``misclassified``: misclassified samples (re2)."""
    weight: Strength = 0.1
    """Weight of the mean entropy, in nats; 0 is no defence."""


class RelaxLossParams(DefenceParams):
    """Gradient ascent once the training loss falls below a target."""

    target: Strength = 0.3
    """Mean cross-entropy of a batch, in nats, below which gradient ascent begins; 0 is no
    defence."""


class GradientReversalParams(DefenceParams):
    """Removal of a private attribute from the representation, with an adversary."""

    attribute: AttributeName
    """The private attribute to remove from the representation."""
    weight: Strength = 0.1
    """Weight of the reversed gradient; with 0 the adversary still learns, but does not affect the
    model."""
    hidden: Annotated[int, Field(ge=1, le=65_536)] = 100
    """Width of the adversary's hidden layer."""


class AugmentationDefenceParams(DefenceParams):
    """Random changes of inputs during training."""

    noise: Strength = 0.0
    """Standard deviation of Gaussian noise on every input value, in the inputs' own unit."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest rotation of an image to either side, in degrees."""
    translation: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Largest shift of an image in each direction, as a fraction of its side."""
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Largest relative change of an image's size: 0.1 draws factors from 0.9 to 1.1."""


class L2Params(DefenceParams):
    """Penalty on squared weights."""

    weight: Strength = 1e-4
    """Half of this factor times the sum of squared weights is added to the loss; 0 is no
    defence."""


class L1Params(DefenceParams):
    """Penalty on absolute weights."""

    weight: Strength = 1e-4
    """This factor times the sum of absolute weights is added to the loss; 0 is no defence."""


class LabelSmoothingParams(DefenceParams):
    """Targets below certainty."""

    amount: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the target spread over all classes (the paper's ε); 0 is no defence."""


class MixupParams(DefenceParams):
    """Training on convex combinations of samples."""

    alpha: Annotated[float, Field(gt=0)] = 0.2
    """Parameter of the Beta distribution of mixtures: near 0 hardly any, at 1 uniform."""


class HampParams(DefenceParams):
    """High-entropy labels, entropy regularisation, and outputs that keep the ranking alone."""

    entropy: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """Entropy of each soft label, as a share of the maximum, log C (the paper's γ)."""
    weight: Strength = 0.01
    """Weight of the mean entropy of the posteriors, in nats (the paper's α)."""
    answers: Annotated[int, Field(ge=0)] = 256
    """Random inputs whose posteriors replace those of every query; stored with the model. 0 leaves
    outputs unchanged: training alone."""


class MemguardParams(DefenceParams):
    """Noise on outputs against a membership classifier; predicted labels do not change."""

    budget: Annotated[float, Field(ge=0, le=2)] = 1.0
    """Maximum expected L1 distance between posteriors with and without noise (the paper's ε); 0 is
    no defence."""
    hidden: Annotated[list[Annotated[int, Field(ge=1, le=65_536)]], Field(min_length=1)] = [64, 32]
    """Hidden widths of the defender's own membership classifier, the target of the noise. It is
    stored with the model; the paper's has 256, 128 and 64."""
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 100
    """Epochs of its training, after each training of the model."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    """Learning rate of Adam."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 300
    """Maximum steps of the noise search, for each weight of its size."""
    step_size: Annotated[float, Field(gt=0)] = 0.1
    """Length of a search step, in logits."""


class PairRegularisationParams(DefenceParams):
    """Similar ranked posteriors for different samples."""

    weight: Strength = 1.0
    """Weight of the divergence between a pair's ranked posteriors, in nats; 0 is no defence."""


class DistillationParams(DefenceParams):
    """Knowledge distillation: the uncompressed model's outputs as additional targets."""

    temperature: Annotated[float, Field(gt=0)] = 4.0
    """Divisor of the logits: the higher, the more the ranking of wrong classes matters."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Share of the teacher's outputs in the loss; labels have the rest. 0 is no defence."""


class AttributionPreservationParams(DefenceParams):
    """Attribution preservation: the uncompressed model's explanations as additional targets."""

    weight: Strength = 1.0
    """Weight of the squared distance between normalised attribution maps; 0 is no defence."""


class AdversarialRegularisationParams(DefenceParams):
    """Training against a membership attacker that learns at the same time."""

    weight: Strength = 1.0
    """Weight of the attacker's gain in the model's loss (the paper's λ); 0 is no defence."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Attacker steps per model step."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    """Learning rate of the attacker."""
    width: Annotated[int, Field(ge=16, le=65_536)] = 1024
    """Width of the attacker's widest layer, which scales all others. The paper has 1024."""


DEFINITIONS = (
    DefenceDef(
        name="entropy",
        params=EntropyRegularisationParams,
        target="safecompress_plugins.defences.training.entropy:EntropyRegularisation",
        summary="Rewards uncertain posteriors, of all samples (re1) or misclassified ones (re2).",
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
        summary="Removes a private attribute from the representation, with an adversary.",
        cites="Ganin & Lempitsky 2015, Unsupervised Domain Adaptation by Backpropagation, ICML",
    ),
    DefenceDef(
        name="augmentation",
        params=AugmentationDefenceParams,
        target="safecompress_plugins.defences.training.augmentation:AugmentationDefence",
        summary="Input noise and, for images, small affine changes; in training only.",
        cites="Simard, Steinkraus & Platt 2003, ICDAR; Bishop 1995, Neural Computation 7(1)",
        needs=frozenset({Need.CONTINUOUS_INPUTS}),
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
        summary="Penalty on absolute weights.",
        cites="Tibshirani 1996, Regression Shrinkage and Selection via the Lasso, JRSS B 58",
    ),
    DefenceDef(
        name="label-smoothing",
        params=LabelSmoothingParams,
        target="safecompress_plugins.defences.training.label_smoothing:LabelSmoothing",
        summary="Targets below certainty.",
        cites="Szegedy et al. 2016, Rethinking the Inception Architecture, CVPR, section 7",
    ),
    DefenceDef(
        name="hamp",
        params=HampParams,
        target="safecompress_plugins.defences.outputs.hamp:Hamp",
        summary="High-entropy labels, entropy regularisation, and outputs reduced to a ranking.",
        cites="Chen & Pattabiraman 2024, Overconfidence is a Dangerous Thing, NDSS",
    ),
    DefenceDef(
        name="pair-regularisation",
        params=PairRegularisationParams,
        target="safecompress_plugins.defences.training.pair_regularisation:PairRegularisation",
        summary="Ranked posteriors of different samples are made similar (PPB).",
        cites="Yuan & Zhang 2022, Membership Inference Attacks and Defenses, USENIX Security",
    ),
    DefenceDef(
        name="mixup",
        params=MixupParams,
        target="safecompress_plugins.defences.training.mixup:Mixup",
        summary="Convex combinations of two samples and their labels; in training only.",
        cites="Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization, ICLR, Eq. 1 and 2",
        needs=frozenset({Need.CONTINUOUS_INPUTS}),
    ),
    DefenceDef(
        name="distillation",
        params=DistillationParams,
        target="safecompress_plugins.defences.training.distillation:Distillation",
        summary="The uncompressed model's softened outputs as additional targets.",
        cites="Hinton, Vinyals & Dean 2015, Distilling the Knowledge in a Neural Network",
        needs=frozenset({Need.UNCOMPRESSED}),
    ),
    DefenceDef(
        name="attribution-preservation",
        params=AttributionPreservationParams,
        target="safecompress_plugins.defences.training.attribution_preservation:AttributionPreservation",
        summary="Attribution maps of the uncompressed model as additional targets.",
        cites="Park et al. 2020, Attribution Preservation in Network Compression, section 4",
        needs=frozenset({Need.UNCOMPRESSED, Need.CONTINUOUS_INPUTS}),
    ),
    DefenceDef(
        name="adversarial-regularisation",
        params=AdversarialRegularisationParams,
        target="safecompress_plugins.defences.training.adversarial_regularisation:AdversarialRegularisation",
        summary="Training against a membership attacker that learns at the same time.",
        cites="Nasr, Shokri & Houmansadr 2018, CCS, Eq. 7 and 8, Algorithm 1",
        needs=frozenset({Need.REFERENCE_DATA}),
    ),
    DefenceDef(
        name="memguard",
        params=MemguardParams,
        target="safecompress_plugins.defences.outputs.memguard:Memguard",
        summary="Noise on outputs against a membership classifier; bypassed with the model file.",
        cites="Jia et al. 2019, MemGuard, CCS, section 4",
        needs=frozenset({Need.REFERENCE_DATA}),
    ),
    *OF_TRAINING,
)
