"""Names and parameters of the built-in initial topologies, prune rules and grow rules."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from safecompress_core.api import InitialParams, Params, Role, StrategyDef

__all__ = [
    "DEFINITIONS",
    "ChannelPruningParams",
    "GradientGrowthParams",
    "GraspInitialParams",
    "GroupParams",
    "MagnitudePruningParams",
    "MomentumGrowthParams",
    "MovementPruningParams",
    "NOfMGrowthParams",
    "NOfMPruningParams",
    "RandomGrowthParams",
    "SaliencyPruningParams",
    "Scope",
    "SnipInitialParams",
    "ThresholdPruningParams",
]

Scope = Literal["layer", "global"]


class SnipInitialParams(InitialParams):
    """Keep the weights with the most influence on the loss."""

    batches: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Number of training batches to average the gradient over."""


class GraspInitialParams(InitialParams):
    """Keep the weights with the most influence on the gradient."""

    batches: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Number of training batches to average gradient and curvature over."""


class MagnitudePruningParams(Params):
    """Prune the scheduled fraction of weights, the smallest first."""

    scope: Scope = "layer"
    """``layer``: the fraction of each layer. ``global``: the fraction of all weights, from any
    layer."""


class ChannelPruningParams(Params):
    """Prune the scheduled fraction of weights by whole output channels, the smallest norm first."""

    scope: Scope = "layer"
    """``layer``: the fraction of each layer. ``global``: the fraction of all weights, from the
    channels of any layer."""


class ThresholdPruningParams(Params):
    """Prune all weights below a threshold; the scheduled fraction is not used."""

    threshold: Annotated[float, Field(gt=0)] = 0.01
    """Weights with a smaller absolute value are pruned, in the weights' own unit."""


class SaliencyPruningParams(Params):
    """Prune the scheduled fraction of weights, those with the least influence on the loss first."""

    batches: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Number of training batches to average the gradient over."""
    scope: Scope = "layer"
    """``layer``: the fraction of each layer. ``global``: the fraction of all weights, from any
    layer."""


class MovementPruningParams(Params):
    """Prune the scheduled fraction of weights, those moving to 0 fastest first."""

    batches: Annotated[int, Field(ge=1, le=10_000)] = 4
    """Number of training batches to average the gradient over."""
    scope: Scope = "layer"
    """``layer``: the fraction of each layer. ``global``: the fraction of all weights, from any
    layer."""


class GroupParams(Params):
    """Groups of consecutive weights along a layer's inputs, with a bound on active ones."""

    n: Annotated[int, Field(ge=1, le=1024)] = 2
    """Maximum number of active weights per group."""
    m: Annotated[int, Field(ge=2, le=1024)] = 4
    """Number of consecutive weights per group. A layer whose inputs m does not divide has no
    groups, and any of its weights may be active."""

    @model_validator(mode="after")
    def _leaves_some_out(self) -> Self:
        if self.n >= self.m:
            message = f"n is {self.n}, and m {self.m}; write an 'n' less than 'm'"
            raise ValueError(message)
        return self


class NOfMPruningParams(GroupParams):
    """Prune the scheduled fraction of weights, those beyond n of a group first."""

    scope: Scope = "layer"
    """``layer``: the fraction of each layer. ``global``: the fraction of all weights, first from
    groups with too many, then the smallest."""


class GradientGrowthParams(Params):
    """Grow where the loss would fall fastest."""

    batches: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Number of training batches to average the dense gradient over."""
    scope: Scope = "layer"
    """``layer``: each layer grows as many as it lost. ``global``: the largest gradients of all
    layers, so weights move between layers."""


class NOfMGrowthParams(GroupParams):
    """Grow where the loss would fall fastest, in groups of m with fewer than n active weights."""

    batches: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Number of training batches to average the dense gradient over."""
    scope: Scope = "layer"
    """``layer``: each layer grows as many as it lost. ``global``: groups of all layers are filled,
    so weights move between layers."""


class MomentumGrowthParams(Params):
    """Grow at the largest momentum of the training gradient."""

    scope: Literal["share", "layer", "global"] = "share"
    """``share``: layers share the total in proportion to the mean momentum of their weights, as
    published. ``layer``: each layer grows as many as it lost. ``global``: the largest momenta of
    all layers."""


class RandomGrowthParams(Params):
    """Grow at random, with equal probability for every inactive position."""

    scope: Scope = "layer"
    """``layer``: each layer grows as many as it lost. ``global``: positions are drawn over all
    layers, so weights move between them."""


_INITIAL = (
    StrategyDef(
        name="erdos-renyi",
        role=Role.INITIAL,
        params=InitialParams,
        target="safecompress_plugins.strategies.initial:ErdosRenyi",
        summary="Layers with fewer inputs and outputs start denser, regardless of kernel size.",
        cites="Mocanu et al. 2018, SET, Nature Communications 9, Eq. 1",
    ),
    StrategyDef(
        name="erdos-renyi-kernel",
        role=Role.INITIAL,
        params=InitialParams,
        target="safecompress_plugins.strategies.initial:ErdosRenyiKernel",
        summary="Erdős–Rényi in which a convolution's kernel dimensions count too (ERK).",
        cites="Evci et al. 2020, Rigging the Lottery (RigL), ICML, section 3",
    ),
    StrategyDef(
        name="uniform",
        role=Role.INITIAL,
        params=InitialParams,
        target="safecompress_plugins.strategies.initial:Uniform",
        summary="All layers start with the same density.",
        cites="Zhu & Gupta 2017, To Prune, or Not to Prune; Evci et al. 2020, ICML, section 3",
    ),
    StrategyDef(
        name="snip",
        role=Role.INITIAL,
        params=SnipInitialParams,
        target="safecompress_plugins.strategies.at_initialisation:SnipInitial",
        summary="The largest |gradient × weight| of all layers together, before training.",
        cites="Lee, Ajanthan & Torr 2019, SNIP, ICLR, Algorithm 1",
    ),
    StrategyDef(
        name="grasp",
        role=Role.INITIAL,
        params=GraspInitialParams,
        target="safecompress_plugins.strategies.at_initialisation:GraspInitial",
        summary="The largest weight × (Hessian × gradient) of all layers, before training.",
        cites="Wang, Zhang & Grosse 2020, GraSP, ICLR, Algorithm 1",
    ),
)

_PRUNE = (
    StrategyDef(
        name="magnitude",
        role=Role.PRUNE,
        params=MagnitudePruningParams,
        target="safecompress_plugins.strategies.scored_pruning:MagnitudePruning",
        summary="Prunes the scheduled fraction with the smallest magnitude, by layer or overall.",
        cites="Han et al. 2015, NeurIPS; as a step of RigL: Evci et al. 2020, ICML, Algorithm 1",
    ),
    StrategyDef(
        name="channel",
        role=Role.PRUNE,
        params=ChannelPruningParams,
        target="safecompress_plugins.strategies.scored_pruning:ChannelPruning",
        summary="Prunes whole output channels, the smallest norm first: towards dead channels.",
        cites="Li et al. 2017, Pruning Filters for Efficient ConvNets, ICLR, section 3.1",
    ),
    StrategyDef(
        name="threshold",
        role=Role.PRUNE,
        params=ThresholdPruningParams,
        target="safecompress_plugins.strategies.threshold_pruning:ThresholdPruning",
        summary="Prunes every weight whose magnitude is below a threshold.",
        cites="Zhu, Wang & Han 2022, Safety and Performance, Why not Both?, ASE",
    ),
    StrategyDef(
        name="set",
        role=Role.PRUNE,
        params=Params,
        target="safecompress_plugins.strategies.sign_pruning:SignPruning",
        summary="Prunes a share of the positive and of the negative weights, nearest to 0.",
        cites="Mocanu et al. 2018, SET, Nature Communications 9, Algorithm 1",
    ),
    StrategyDef(
        name="saliency",
        role=Role.PRUNE,
        params=SaliencyPruningParams,
        target="safecompress_plugins.strategies.scored_pruning:SaliencyPruning",
        summary="Prunes the smallest |weight × gradient|: to first order, the change of the loss.",
        cites="Molchanov et al. 2017, ICLR, section 2.2; Molchanov et al. 2019, CVPR, section 3",
    ),
    StrategyDef(
        name="movement",
        role=Role.PRUNE,
        params=MovementPruningParams,
        target="safecompress_plugins.strategies.scored_pruning:MovementPruning",
        summary="Prunes what the gradient moves to 0 fastest, at the update.",
        cites="Sanh, Wolf & Rush 2020, Movement Pruning, NeurIPS, section 4",
    ),
    StrategyDef(
        name="n-m",
        role=Role.PRUNE,
        params=NOfMPruningParams,
        target="safecompress_plugins.strategies.n_of_m_rules:NOfMPruning",
        summary="Prunes beyond n per group of m, then the smallest magnitudes: towards N:M.",
        cites="Zhou et al. 2021, Learning N:M, ICLR, section 3; 2:4: Mishra et al. 2021",
    ),
)

_GROW = (
    StrategyDef(
        name="gradient",
        role=Role.GROW,
        params=GradientGrowthParams,
        target="safecompress_plugins.strategies.gradient_growth:GradientGrowth",
        summary="Grows the inactive positions with the largest gradient magnitude.",
        cites="Evci et al. 2020, Rigging the Lottery (RigL), ICML, Algorithm 1",
    ),
    StrategyDef(
        name="random",
        role=Role.GROW,
        params=RandomGrowthParams,
        target="safecompress_plugins.strategies.random_growth:RandomGrowth",
        summary="Grows inactive positions at random, exactly as many as were pruned.",
        cites="Mocanu et al. 2018, SET, Nature Communications 9, Algorithm 1",
    ),
    StrategyDef(
        name="random-unfired",
        role=Role.GROW,
        params=RandomGrowthParams,
        target="safecompress_plugins.strategies.random_growth:RandomUnfiredGrowth",
        summary="Grows at random where no weight has been active yet, as long as possible.",
        cites="Liu et al. 2021, In-Time Over-Parameterization (ITOP), ICML, and its code",
    ),
    StrategyDef(
        name="momentum",
        role=Role.GROW,
        params=MomentumGrowthParams,
        target="safecompress_plugins.strategies.momentum_growth:MomentumGrowth",
        summary="Grows the inactive positions with the largest running average of gradients.",
        cites="Dettmers & Zettlemoyer 2019, Sparse Networks from Scratch (SNFS), Algorithm 1",
    ),
    StrategyDef(
        name="n-m",
        role=Role.GROW,
        params=NOfMGrowthParams,
        target="safecompress_plugins.strategies.n_of_m_rules:NOfMGrowth",
        summary="Grows the largest gradients where groups of m have fewer than n: towards N:M.",
        cites="Zhou et al. 2021, Learning N:M, ICLR, section 3; gradient: Evci et al. 2020, ICML",
    ),
)

DEFINITIONS = (*_INITIAL, *_PRUNE, *_GROW)
