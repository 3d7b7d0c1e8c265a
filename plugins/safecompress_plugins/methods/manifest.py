"""Names and parameters of the built-in methods.

Each method trains the weights of its result for exactly ``training.epochs`` epochs, in any number
of phases.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from safecompress_core.api import (
    Density,
    DensityParams,
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
    "SoftTreeMethodParams",
    "ThinningParams",
]

Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1, le=100_000)]


class ThinningParams(DensityParams):
    """Parameters of every method that prunes a dense network."""

    density: Density
    """Fraction of the prunable weights that remain."""
    scope: Literal["layer", "global"] = "global"
    """``global``: the best of all weights remain, with at least one in each layer. ``layer``: the
    same fraction of each layer."""


class GradualParams(ThinningParams):
    """Parameters of every method that prunes during training."""

    pretrain: Share
    """Share of dense training."""
    until: Share
    """Share of training by which the density is reached; the rest is fine-tuning."""

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        # A validator rather than a range: the bound depends on another field.
        if self.until <= self.pretrain:
            raise ValueError(
                f"until is {self.until:g}, and pretrain {self.pretrain:g}; "
                "write an 'until' greater than 'pretrain'"
            )
        return self


class PruneParams(GradualParams):
    """Train dense, prune the smallest weights, fine-tune the rest."""

    pretrain: Share = 0.5
    """Share of dense training."""
    schedule: Literal["one-shot", "cubic"] = "one-shot"
    """``one-shot``: all pruning after pretraining. ``cubic``: gradual pruning up to ``until``, fast
    at first and slower later."""
    until: Share = 0.8
    """Share of training at which ``cubic`` reaches the density; not for ``one-shot``."""
    every: Count = 1
    """Epochs between two pruning steps of ``cubic``."""


class MiaPruningParams(GradualParams):
    """Regularise weights towards a sparse network by ADMM, then prune and retrain."""

    pretrain: Share = 0.25
    """Share of training before ADMM."""
    until: Share = 0.75
    """Share of training after which other weights are pruned, and the rest is retrained."""
    rho: Annotated[float, Field(gt=0)] = 0.01
    """Strength of the penalty towards the nearest sparse network (the paper's ρ)."""
    update_every: Count = 5
    """Epochs between two updates of that network and of the dual variable."""


class LotteryParams(ThinningParams):
    """Train, prune, rewind the remaining weights, and repeat."""

    iterations: Count = 4
    """Number of pruning iterations, each of the same share; each costs a whole training, and the
    resulting network one more."""
    rewind: Annotated[int, Field(ge=0)] = 0
    """Epoch to rewind weights to; 0: their initialisation."""


class MovementParams(GradualParams):
    """Keep the weights that training moves away from zero."""

    pretrain: Share = 0.1
    """Share of dense training; weights are scored from the beginning."""
    until: Share = 0.7
    """Share of training by which the density is reached; the rest is fine-tuning."""


class DistillParams(DensityParams):
    """Train a small dense student on the uncompressed model's outputs."""

    density: Density
    """Maximum number of the student's weights, as a fraction of the uncompressed model's prunable
    weights."""
    student: Annotated[Params, Slot(Kind.MODEL)] | None = None
    """Architecture of the student; by default the spec's model, narrowed to ``density``."""
    temperature: Annotated[float, Field(gt=0)] = 4.0
    """Divisor of the logits: the higher, the more the ranking of wrong classes matters."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Share of the teacher's outputs in the loss; labels have the rest."""


class SoftTreeMethodParams(MethodParams):
    """Train a soft decision tree on the uncompressed model's outputs."""

    tree: Annotated[Params, Slot(Kind.MODEL)] = Field(
        default={"type": "soft-tree"},
        validate_default=True,
    )
    """The tree, with its depth."""
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.9
    """Share of the uncompressed model's posteriors in the targets; labels have the rest."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Divisor of the uncompressed model's logits."""
    balance: Annotated[float, Field(ge=0)] = 0.1
    """Strength of the penalty on decisions that send all samples to the same side (the paper's
    λ)."""


class RiglParams(SparseTrainingParams):
    """Sparse training that grows where the gradient is largest; no tests."""

    update_fraction: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of active weights that the first topology update replaces."""
    update_until: Annotated[float, Field(gt=0, le=1)] = 0.75
    """Share of training after which the topology is fixed."""
    prune: Annotated[Params, Slot(Kind.STRATEGY, Role.PRUNE)] = Field(
        default={"type": "magnitude"},
        validate_default=True,
    )
    """Rule that selects the active weights to prune."""
    grow: Annotated[Params, Slot(Kind.STRATEGY, Role.GROW)] = Field(
        default={"type": "gradient"},
        validate_default=True,
    )
    """Rule that selects the inactive positions to grow."""


class SetParams(SparseTrainingParams):
    """Sparse training that grows at random; no tests."""

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
    """Decay of that share over training."""
    prune: Annotated[Params, Slot(Kind.STRATEGY, Role.PRUNE)] = Field(
        default={"type": "set"},
        validate_default=True,
    )
    """Rule that selects the active weights to prune."""
    grow: Annotated[Params, Slot(Kind.STRATEGY, Role.GROW)] = Field(
        default={"type": "random"},
        validate_default=True,
    )
    """Rule that selects the inactive positions to grow."""


class SnipParams(DensityParams):
    """Prune at initialisation the weights with the least influence on the loss."""

    density: Density
    """Fraction of the prunable weights that remain."""
    batches: Count = 1
    """Number of training batches to average the gradient over."""


class GraspParams(DensityParams):
    """Prune at initialisation the weights with the least influence on the gradient."""

    density: Density
    """Fraction of the prunable weights that remain."""
    batches: Count = 4
    """Number of training batches to average gradient and curvature over."""


def _once(_: MethodParams, epochs: int) -> Workload:
    """Count the work: one model, trained once."""
    return Workload(epochs=epochs)


def _lottery(params: LotteryParams, epochs: int) -> Workload:
    # The epochs up to the rewinding point are trained once and shared.
    rewind = min(params.rewind, epochs)
    return Workload(epochs=rewind + (params.iterations + 1) * (epochs - rewind))


PLACE = "safecompress_plugins.methods"

READING_GRADIENTS = dict.fromkeys(
    ("dmp", "dp-sgd"), "the method chooses weights by gradients of members, which it withholds"
)
"""Defences that a topology chosen by members' gradients would circumvent."""

DEFINITIONS = (
    MethodDef(
        name="prune",
        params=PruneParams,
        target=f"{PLACE}.prune:PruneAndFinetune",
        summary="Train dense, prune the smallest weights at once or gradually, fine-tune.",
        cites="Han et al. 2015, NeurIPS; gradually: Zhu & Gupta 2017, Eq. 1",
        workload=_once,
        needs_whole_batch="",
    ),
    MethodDef(
        name="rigl",
        params=RiglParams,
        target=f"{PLACE}.sparse_methods:Dynamic",
        summary="Sparse training that grows where gradients are largest, without tests (RigL).",
        cites="Evci et al. 2020, Rigging the Lottery, ICML, Algorithm 1",
        workload=_once,
        needs_whole_batch="",
    ),
    MethodDef(
        name="set",
        params=SetParams,
        target=f"{PLACE}.sparse_methods:Dynamic",
        summary="Sparse training that grows at random, without tests (SET).",
        cites="Mocanu et al. 2018, Nature Communications 9, Algorithm 1",
        workload=_once,
        needs_whole_batch="",
    ),
    MethodDef(
        name="distill",
        params=DistillParams,
        target=f"{PLACE}.distill:Distill",
        summary="A small dense student, trained on the uncompressed model's outputs.",
        cites="Hinton, Vinyals & Dean 2015, Distilling the Knowledge in a Neural Network",
        workload=_once,
        refuses={"distillation": "the method already distils, with its own alpha"},
        needs_whole_batch="",
    ),
    MethodDef(
        name="soft-tree",
        params=SoftTreeMethodParams,
        target=f"{PLACE}.soft_tree:SoftTreeMethod",
        summary="A soft decision tree, trained on the uncompressed model's outputs.",
        cites="Frosst & Hinton 2017, Distilling a Neural Network Into a Soft Decision Tree",
        workload=_once,
        refuses={"distillation": "the method already distils, with its own loss"},
        needs_whole_batch="balances the nodes of its tree over whole batches",
    ),
    MethodDef(
        name="mia-pruning",
        params=MiaPruningParams,
        target=f"{PLACE}.mia_pruning:MiaPruning",
        summary="ADMM regularises towards a sparse network, which is then retrained (MIA-Pruning).",
        cites="Wang et al. 2021, Against Membership Inference Attack: Pruning is All You Need",
        workload=_once,
        needs_whole_batch="",
    ),
    MethodDef(
        name="snip",
        params=SnipParams,
        target=f"{PLACE}.sparse_methods:Snip",
        summary="Sparse training of the weights that the initial loss depends on most (SNIP).",
        cites="Lee, Ajanthan & Torr 2019, SNIP, ICLR, Algorithm 1",
        workload=_once,
        refuses=READING_GRADIENTS,
        needs_whole_batch="",
    ),
    MethodDef(
        name="lottery",
        params=LotteryParams,
        target=f"{PLACE}.lottery:Lottery",
        summary="Iterative pruning that rewinds the remaining weights (lottery ticket).",
        cites="Frankle & Carbin 2019, ICLR, section 1; to an epoch: Frankle et al. 2020, ICML",
        workload=_lottery,
        needs_whole_batch="",
    ),
    MethodDef(
        name="grasp",
        params=GraspParams,
        target=f"{PLACE}.sparse_methods:Grasp",
        summary="Sparse training of the weights that preserve the initial gradient flow (GraSP).",
        cites="Wang, Zhang & Grosse 2020, GraSP, ICLR, Algorithm 1",
        workload=_once,
        refuses=READING_GRADIENTS,
        needs_whole_batch="",
    ),
    MethodDef(
        name="movement",
        params=MovementParams,
        target=f"{PLACE}.movement:Movement",
        summary="Keeps weights that fine-tuning moves away from zero, for pretrained models.",
        cites="Sanh, Wolf & Rush 2020, Movement Pruning, NeurIPS, section 4",
        workload=_once,
        needs_whole_batch="",
    ),
    *FOR_HARDWARE,
    *RESHAPING,
)
