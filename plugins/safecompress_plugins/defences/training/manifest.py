"""Names and parameters of the defences that change training beyond its loss."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from safecompress_core.api import DefenceDef, DefenceParams, HeldOut, Need

__all__ = [
    "DEFINITIONS",
    "AdversarialTrainingParams",
    "DmpParams",
    "DpSgdParams",
    "DropoutParams",
    "EarlyStoppingParams",
    "SplitDistillationParams",
]

Positive = Annotated[float, Field(gt=0)]


class DpSgdParams(DefenceParams):
    """Clipped per-sample gradients with noise; set ``epsilon`` or ``noise``."""

    epsilon: Positive | None = None
    """Privacy budget of the whole training, converted to the smallest sufficient noise."""
    noise: Annotated[float, Field(ge=0)] | None = None
    """Noise multiplier: standard deviation divided by ``clip``. 0 clips without a guarantee."""
    delta: Annotated[float, Field(gt=0, lt=1)] = 1e-5
    """Probability with which the guarantee may fail; below 1 over the number of members."""
    clip: Positive = 1.0
    """Maximum norm of one sample's gradient."""
    views: Annotated[int, Field(ge=1, le=1000)] = 1
    """Augmented views of each sample in a step, whose gradients are averaged before they are
    clipped; a step costs as many times as much. More than 1 need ``training.augmentation``, or the
    defence ``augmentation`` before it."""
    accountant: Literal["rdp", "prv"] = "rdp"
    """Accountant of opacus. ``rdp`` is fast and bounds any noise; ``prv`` is tighter, but slow or
    out of memory for little noise."""

    @model_validator(mode="after")
    def _one_of_two(self) -> "DpSgdParams":
        if (self.epsilon is None) == (self.noise is None):
            said = "neither" if self.noise is None else "both"
            message = f"{said} of epsilon and noise are set; set one, for example epsilon: 8"
            raise ValueError(message)
        return self


class EarlyStoppingParams(DefenceParams):
    """Stops training once the loss on reference samples no longer improves."""

    patience: Annotated[int, Field(ge=1)] = 5
    """Epochs without improvement before training ends; the best weights are restored."""
    improvement: Annotated[float, Field(ge=0)] = 0.0
    """Minimum decrease of the mean loss on reference samples, in nats."""


class DropoutParams(DefenceParams):
    """Random dropout of hidden values in training."""

    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of a linear layer's inputs that is dropped; 0 is no defence."""


class DmpParams(DefenceParams):
    """Training on the uncompressed model's outputs for non-members alone."""

    temperature: Positive = 1.0
    """Divisor of the teacher's logits; the higher, the less its targets reveal of members."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the reference samples to use: the teacher's most confident."""


class SplitDistillationParams(DefenceParams):
    """Training on outputs of models that were not trained on the respective member."""

    models: Annotated[int, Field(ge=2, le=1000)] = 25
    """Number of uncompressed models, each trained on its own part of the members (the paper's
    K)."""
    left_out: Annotated[int, Field(ge=1, le=1000)] = 10
    """Number of models that leave each member out, and label it; fewer than ``models`` (the paper's
    L)."""

    @model_validator(mode="after")
    def _some_learn(self) -> "SplitDistillationParams":
        if self.left_out >= self.models:
            message = (
                f"left_out is {self.left_out}, so each of {self.models} models would be trained on "
                f"nothing; write at most {self.models - 1}"
            )
            raise ValueError(message)
        return self


class AdversarialTrainingParams(DefenceParams):
    """Training on adversarially perturbed samples."""

    norm: Literal["linf", "l2"] = "linf"
    """Norm of a perturbation: ``linf``, the largest change of any input value; ``l2``, the
    Euclidean length."""
    epsilon: Positive
    """Maximum perturbation, in the inputs' own unit."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 7
    """Steps along the gradient for each batch; each costs about as much as a training step."""
    step_size: Positive | None = None
    """Length of a step; by default 2.5 times epsilon over steps."""


DEFINITIONS = (
    DefenceDef(
        name="dp-sgd",
        params=DpSgdParams,
        target="safecompress_plugins.defences.training.dp_sgd:DpSgd",
        summary="Clipped per-sample gradients with noise; reports its privacy guarantee.",
        cites="Abadi et al. 2016, Deep Learning with Differential Privacy, CCS, Algorithm 1",
    ),
    DefenceDef(
        name="early-stopping",
        params=EarlyStoppingParams,
        target="safecompress_plugins.defences.training.early_stopping:EarlyStopping",
        summary="Training stops once the loss on reference samples no longer improves.",
        cites="Caruana, Lawrence & Giles 2000, NeurIPS; Song & Mittal 2021, USENIX Security",
        needs=frozenset({Need.REFERENCE_DATA}),
    ),
    DefenceDef(
        name="dropout",
        params=DropoutParams,
        target="safecompress_plugins.defences.training.dropout:Dropout",
        summary="Hidden values dropped at random before linear layers; in training only.",
        cites="Srivastava et al. 2014, Dropout, JMLR 15; Salem et al. 2019, ML-Leaks, NDSS",
    ),
    DefenceDef(
        name="dmp",
        params=DmpParams,
        target="safecompress_plugins.defences.training.dmp:Dmp",
        summary="The uncompressed model's outputs for reference samples, without any member.",
        cites="Shejwalkar & Houmansadr 2021, Membership Privacy Through Knowledge Transfer, AAAI",
        needs=frozenset({Need.REFERENCE_DATA, Need.UNCOMPRESSED}),
    ),
    DefenceDef(
        name="split-distillation",
        params=SplitDistillationParams,
        target="safecompress_plugins.defences.training.split_distillation:SplitDistillation",
        summary="Outputs of models trained on other members, instead of each member's label.",
        cites="Tang et al. 2022, Mitigating Membership Inference (SELENA), USENIX Security",
        held_out=lambda params: HeldOut(models=params.models, left_out=params.left_out),
    ),
    DefenceDef(
        name="adversarial-training",
        params=AdversarialTrainingParams,
        target="safecompress_plugins.defences.training.adversarial_training:AdversarialTraining",
        summary="Samples perturbed by projected gradient ascent to increase the loss.",
        cites="Madry et al. 2018, Towards Deep Learning Models Resistant to Adversarial Attacks",
        needs=frozenset({Need.CONTINUOUS_INPUTS}),
    ),
)
