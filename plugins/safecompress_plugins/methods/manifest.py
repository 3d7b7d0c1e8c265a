"""Names and parameters of the built-in methods.

Whatever its phases, each trains the weights that ship for exactly ``training.epochs`` epochs.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from safecompress_core.api import (
    Density,
    Kind,
    MethodDef,
    MethodParams,
    Params,
    Role,
    Slot,
    SparseTrainingParams,
    Workload,
)
from safecompress_plugins.methods.hardware_manifest import DEFINITIONS as FOR_HARDWARE
from safecompress_plugins.methods.reshaping_manifest import DEFINITIONS as RESHAPING

__all__ = [
    "DEFINITIONS",
    "DistillParams",
    "GraspParams",
    "LotteryParams",
    "MiaPruningParams",
    "MovementParams",
    "PruneParams",
    "RiglParams",
    "SetParams",
    "SnipParams",
    "ThinningParams",
]

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class ThinningParams(MethodParams):
    """Parameters of every method that thins out a dense network."""

    density: Density
    """Fraction of the sparsifiable weights that are kept."""
    scope: Literal["layer", "global"] = "global"
    """``global``: the best of all weights stay, wherever they are, and at least one in each layer.
    ``layer``: the same fraction of each layer."""


class GradualParams(ThinningParams):
    """Parameters of every method that thins a network out while it trains."""

    pretrain: Share
    """Share of training in which the network is dense."""
    until: Share
    """Share of training by which the density is reached; the rest fine-tunes what is kept."""

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.until <= self.pretrain:
            raise ValueError(
                f"until is {self.until:g}, and pretrain {self.pretrain:g}; "
                "write an 'until' that is greater than 'pretrain'"
            )
        return self


class PruneParams(GradualParams):
    """Train dense, drop the smallest weights, fine-tune the rest."""

    pretrain: Share = 0.5
    """Share of training in which the network is dense."""
    schedule: Literal["one-shot", "cubic"] = "one-shot"
    """``one-shot``: everything is pruned after pretraining. ``cubic``: from there to ``until``,
    much at first and ever less."""
    until: Share = 0.8
    """Share of training by which ``cubic`` has reached the density; not for ``one-shot``."""
    every: Count = 1
    """Epochs between two prunings of ``cubic``."""


class MiaPruningParams(GradualParams):
    """Have training itself make most weights small, then drop these."""

    pretrain: Share = 0.25
    """Share of training before weights are drawn to the sparse network."""
    until: Share = 0.75
    """Share of training after which all other weights are gone, and the rest is retrained."""
    rho: Annotated[float, Field(gt=0)] = 0.01
    """How strongly weights are drawn to the nearest sparse network (the paper's ρ)."""
    update_every: Count = 5
    """Epochs of training between two updates of that network and of the dual variable."""


class LotteryParams(ThinningParams):
    """Train, prune, rewind what is left to its beginning, and again."""

    iterations: Count = 4
    """How often the network is trained to its end and pruned, each time by the same share; each
    costs a whole training, and the network that ships one more."""
    rewind: Annotated[int, Field(ge=0)] = 0
    """The epoch that weights are rewound to; 0: to what was drawn."""


class MovementParams(GradualParams):
    """Keep the weights that training moves away from zero."""

    pretrain: Share = 0.1
    """Share of training in which the network is dense; it scores weights already."""
    until: Share = 0.7
    """Share of training by which the density is reached; the rest fine-tunes what is kept."""


class DistillParams(MethodParams):
    """Have a small dense network learn what the uncompressed one answers."""

    density: Density
    """Weights of the student, at most, as a fraction of the sparsifiable weights of the
    uncompressed model."""
    student: Annotated[Params, Slot(Kind.MODEL)] | None = None
    """The student's architecture; by default the spec's model, as much narrower as ``density``
    wants."""
    temperature: Annotated[float, Field(gt=0)] = 4.0
    """What logits are divided by: the higher, the more the wrong classes' ranks count."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Share of the loss that the teacher's answers have; the labels have the rest."""


class RiglParams(SparseTrainingParams):
    """Sparse training that grows where the gradient is largest; nothing is tested."""

    update_fraction: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of active weights that the first topology update replaces."""
    update_until: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Share of training after which the topology stays as it is."""
    prune: Annotated[Params, Slot(Kind.STRATEGY, Role.PRUNE)] = Field(
        default={"type": "magnitude"},
        validate_default=True,
    )
    """Which active weights make room."""
    grow: Annotated[Params, Slot(Kind.STRATEGY, Role.GROW)] = Field(
        default={"type": "gradient"},
        validate_default=True,
    )
    """Which inactive positions take their place."""


class SetParams(SparseTrainingParams):
    """Sparse training that grows at random; nothing is tested."""

    initial: Annotated[Params, Slot(Kind.STRATEGY, Role.INITIAL)] = Field(
        default={"type": "erdos-renyi"},
        validate_default=True,
    )
    """The first topology."""
    update_every: Annotated[int, Field(ge=0)] = 1
    """Epochs between topology updates; 0 for none."""
    update_fraction: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of active weights that a topology update replaces (the paper's ζ)."""
    schedule: Literal["cosine", "linear", "constant"] = "constant"
    """How that share falls with training."""
    prune: Annotated[Params, Slot(Kind.STRATEGY, Role.PRUNE)] = Field(
        default={"type": "set"},
        validate_default=True,
    )
    """Which active weights make room."""
    grow: Annotated[Params, Slot(Kind.STRATEGY, Role.GROW)] = Field(
        default={"type": "random"},
        validate_default=True,
    )
    """Which inactive positions take their place."""


class SnipParams(MethodParams):
    """Prune at initialisation what the loss depends on least."""

    density: Density
    """Fraction of the sparsifiable weights that are kept."""
    batches: Count = 1
    """Over how many training batches the gradient is averaged."""


class GraspParams(MethodParams):
    """Prune at initialisation what the gradient depends on least."""

    density: Density
    """Fraction of the sparsifiable weights that are kept."""
    batches: Count = 4
    """Over how many training batches gradient and curvature are averaged."""


def _once(_: MethodParams, epochs: int) -> Workload:
    """One model is trained, once."""
    return Workload(epochs=epochs)


def _lottery(params: LotteryParams, epochs: int) -> Workload:
    rewind = min(params.rewind, epochs)
    return Workload(epochs=rewind + (params.iterations + 1) * (epochs - rewind))


PLACE = "safecompress_plugins.methods"

READING_GRADIENTS = dict.fromkeys(
    ("dmp", "dp-sgd"), "weights are chosen by gradients of members, which it keeps from the model"
)
"""Defences that a topology chosen by gradients would go around."""

DEFINITIONS = (
    MethodDef(
        name="prune",
        params=PruneParams,
        target=f"{PLACE}.prune:PruneAndFinetune",
        summary="Train dense, drop the smallest weights at once or gradually, fine-tune.",
        cites="Han et al. 2015, NeurIPS; gradually: Zhu & Gupta 2017, Eq. 1",
        workload=_once,
    ),
    MethodDef(
        name="rigl",
        params=RiglParams,
        target=f"{PLACE}.sparse_training:Dynamic",
        summary="Sparse training that grows where gradients are largest, without tests (RigL).",
        cites="Evci et al. 2020, Rigging the Lottery, ICML, Algorithm 1",
        workload=_once,
    ),
    MethodDef(
        name="set",
        params=SetParams,
        target=f"{PLACE}.sparse_training:Dynamic",
        summary="Sparse training that grows at random, without tests (SET).",
        cites="Mocanu et al. 2018, Nature Communications 9, Algorithm 1",
        workload=_once,
    ),
    MethodDef(
        name="distill",
        params=DistillParams,
        target=f"{PLACE}.distill:Distill",
        summary="A small dense student that the uncompressed model teaches.",
        cites="Hinton, Vinyals & Dean 2015, Distilling the Knowledge in a Neural Network",
        workload=_once,
        refuses={"distillation": "it is what the method does itself, with its own alpha"},
    ),
    MethodDef(
        name="mia-pruning",
        params=MiaPruningParams,
        target=f"{PLACE}.mia_pruning:MiaPruning",
        summary="ADMM draws the network to a sparse one, which is then retrained (MIA-Pruning).",
        cites="Wang et al. 2021, Against Membership Inference Attack: Pruning is All You Need",
        workload=_once,
    ),
    MethodDef(
        name="snip",
        params=SnipParams,
        target=f"{PLACE}.sparse_training:Snip",
        summary="Sparse training of what the loss depends on most at initialisation (SNIP).",
        cites="Lee, Ajanthan & Torr 2019, SNIP, ICLR, Algorithm 1",
        workload=_once,
        refuses=READING_GRADIENTS,
    ),
    MethodDef(
        name="lottery",
        params=LotteryParams,
        target=f"{PLACE}.lottery:Lottery",
        summary="Iterative pruning that rewinds what is kept to its beginning (lottery ticket).",
        cites="Frankle & Carbin 2019, ICLR, section 1; to an epoch: Frankle et al. 2020, ICML",
        workload=_lottery,
    ),
    MethodDef(
        name="grasp",
        params=GraspParams,
        target=f"{PLACE}.sparse_training:Grasp",
        summary="Sparse training of what keeps gradients flowing at initialisation (GraSP).",
        cites="Wang, Zhang & Grosse 2020, GraSP, ICLR, Algorithm 1",
        workload=_once,
        refuses=READING_GRADIENTS,
    ),
    MethodDef(
        name="movement",
        params=MovementParams,
        target=f"{PLACE}.movement:Movement",
        summary="Keeps weights that fine-tuning moves away from zero, for pretrained models.",
        cites="Sanh, Wolf & Rush 2020, Movement Pruning, NeurIPS, section 4",
        workload=_once,
    ),
    *FOR_HARDWARE,
    *RESHAPING,
)
