"""Names and parameters of the defences that change more of training than its loss."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from safecompress_core.api import DefenceDef, DefenceParams, HeldOut

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
    """Clips each sample's gradient and adds noise; write ``epsilon`` or ``noise``."""

    epsilon: Positive | None = None
    """Privacy budget of the whole training, which is turned into the least noise that keeps to
    it."""
    noise: Annotated[float, Field(ge=0)] | None = None
    """Noise multiplier: its standard deviation over ``clip``. 0 clips alone, and guarantees
    nothing."""
    delta: Annotated[float, Field(gt=0, lt=1)] = 1e-5
    """Probability with which the guarantee may fail; less than 1 over the number of members."""
    clip: Positive = 1.0
    """Largest norm of one sample's gradient."""
    accountant: Literal["rdp", "prv"] = "rdp"
    """How opacus adds steps up. ``rdp`` is quick and bounds any noise; ``prv`` is tighter, and
    slow or out of memory where there is little noise."""

    @model_validator(mode="after")
    def _one_of_two(self) -> "DpSgdParams":
        if (self.epsilon is None) == (self.noise is None):
            said = "neither" if self.noise is None else "both"
            message = f"{said} of epsilon and noise is given; write one of them, epsilon: 8, say"
            raise ValueError(message)
        return self


class EarlyStoppingParams(DefenceParams):
    """Stops training once it no longer helps on samples that are no members."""

    patience: Annotated[int, Field(ge=1)] = 5
    """Epochs without an improvement after which training ends; the best weights come back."""
    improvement: Annotated[float, Field(ge=0)] = 0.0
    """How much lower the mean loss on the reference samples must be to count, in nats."""


class DropoutParams(DefenceParams):
    """Drops hidden values at random in training."""

    rate: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Share of the values that a linear layer is given without; 0 is no defence."""


class DmpParams(DefenceParams):
    """Has the model learn what the uncompressed one answers about samples that are no members."""

    temperature: Positive = 1.0
    """What the teacher's logits are divided by; the higher, the less its labels say of members."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Part of the reference samples that is learned: those of which the teacher is surest."""


class SplitDistillationParams(DefenceParams):
    """Has the model learn what others answer about members that they were not trained on."""

    models: Annotated[int, Field(ge=2, le=1000)] = 25
    """How many uncompressed models are trained, each on its own part of the members (the paper's
    K)."""
    left_out: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many of them leave each member out, and answer about it; fewer than ``models`` (the
    paper's L)."""

    @model_validator(mode="after")
    def _some_learn(self) -> "SplitDistillationParams":
        if self.left_out >= self.models:
            message = (
                f"left_out is {self.left_out}, and every one of {self.models} models would learn "
                f"from nobody; write at most {self.models - 1}"
            )
            raise ValueError(message)
        return self


class AdversarialTrainingParams(DefenceParams):
    """Trains on samples that were moved to where the model is worst."""

    norm: Literal["linf", "l2"] = "linf"
    """How the size of a change is measured: ``linf``, the largest change of any input value;
    ``l2``, the Euclidean length of the change."""
    epsilon: Positive
    """The largest change, in the inputs' own unit."""
    steps: Annotated[int, Field(ge=1, le=100_000)] = 7
    """Steps along the gradient for each batch; each costs about as much as a training step."""
    step_size: Positive | None = None
    """Length of a step; 2.5 times epsilon over steps by default."""


DEFINITIONS = (
    DefenceDef(
        name="dp-sgd",
        params=DpSgdParams,
        target="safecompress_plugins.defences.training.dp_sgd:DpSgd",
        summary="Clipped gradients of single samples, with noise; tells what it guarantees.",
        cites="Abadi et al. 2016, Deep Learning with Differential Privacy, CCS, Algorithm 1",
    ),
    DefenceDef(
        name="early-stopping",
        params=EarlyStoppingParams,
        target="safecompress_plugins.defences.training.early_stopping:EarlyStopping",
        summary="No training beyond what helps on samples that are no members.",
        cites="Caruana, Lawrence & Giles 2000, NeurIPS; Song & Mittal 2021, USENIX Security",
        reference_data=True,
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
        summary="The uncompressed model's answers about reference samples, and no member at all.",
        cites="Shejwalkar & Houmansadr 2021, Membership Privacy Through Knowledge Transfer, AAAI",
        reference_data=True,
        teacher=True,
    ),
    DefenceDef(
        name="split-distillation",
        params=SplitDistillationParams,
        target="safecompress_plugins.defences.training.split_distillation:SplitDistillation",
        summary="What models of other members answer, in the place of each member's label.",
        cites="Tang et al. 2022, Mitigating Membership Inference (SELENA), USENIX Security",
        held_out=lambda params: HeldOut(models=params.models, left_out=params.left_out),
    ),
    DefenceDef(
        name="adversarial-training",
        params=AdversarialTrainingParams,
        target="safecompress_plugins.defences.training.adversarial_training:AdversarialTraining",
        summary="Samples moved by projected gradient ascent to where the loss is highest.",
        cites="Madry et al. 2018, Towards Deep Learning Models Resistant to Adversarial Attacks",
        moves_inputs=True,
    ),
)
