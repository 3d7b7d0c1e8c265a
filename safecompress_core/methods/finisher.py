"""Finishers: stages that change how the weights and inputs of a trained model are stored.

A finisher sees a trained model and returns codes for weights, and ranges for the inputs of layers;
it changes nothing itself. What a method has chosen is finished before it is stored and audited.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from safecompress_core.api import Definition, Params, component_id
from safecompress_core.errors import ModelError
from safecompress_core.host.boundary import check_result
from safecompress_core.networks.classifier import Classifier, in_eval_mode
from safecompress_core.networks.input_rounding import InputRange
from safecompress_core.networks.layer_shapes import LayerShapes
from safecompress_core.problems import Problem
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.weight_codes import WeightCode
from safecompress_core.training.training_state import TrainingState

__all__ = [
    "Finish",
    "FinishContext",
    "FinishedModel",
    "Finisher",
    "SmallerNetwork",
    "finish_model",
]

# N samples


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishContext:
    """All that a finisher works with; it changes none of it.

    Attributes:
        network: the model without an output guard, in eval mode, as earlier stages have left it.
        weights: its sparsifiable weights by name, on the CPU; 0 where they are not active.
        calibration: the inputs of the members of *attack-train*, shape (N, ...), on the network's
            device; the audit never reads this pool but to fit attackers.
    """

    network: Classifier
    weights: Mapping[str, Tensor]
    calibration: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallerNetwork:
    """Network of the same function with fewer channels.

    Attributes:
        layer_shapes: the widths of the layers that have others now.
        state: all parameters and buffers by name, of these shapes, on any device.
    """

    layer_shapes: LayerShapes
    state: Mapping[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What a finisher wants to be stored.

    Attributes:
        smaller: what takes the place of the network; None for the network itself. Codes and ranges
            are not of its layers: a later stage makes those.
        codes: by the weight's name; weights that it does not name stay as they are.
        inputs: by the layer's name, the range that its inputs are rounded to.
        facts: what results say of the stage, JSON-ready.
    """

    smaller: SmallerNetwork | None = None
    codes: Mapping[str, WeightCode] = field(default_factory=dict)
    inputs: Mapping[str, InputRange] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def _check_finish(_: Definition, finish: object, context: FinishContext) -> None:
    if not isinstance(finish, Finish):
        raise ValueError(f"returned {type(finish).__name__}; it must return a Finish")
    if finish.smaller is not None and (finish.codes or finish.inputs):
        raise ValueError("returned a smaller network with codes or ranges, which are of the other")
    for name, code in finish.codes.items():
        weight = context.weights.get(name)
        if weight is None:
            raise ValueError(f"codes {name!r}, which is no sparsifiable weight")
        decoded = code.weight()
        if (decoded.shape, decoded.dtype) != (weight.shape, weight.dtype):
            raise ValueError(
                f"codes of {name!r} stand for {decoded.dtype} of shape {tuple(decoded.shape)}; the "
                f"weight is {weight.dtype} of shape {tuple(weight.shape)}"
            )
        # A finisher makes no weight active: density is the method's to decide.
        if bool(decoded[weight == 0].count_nonzero()):
            raise ValueError(f"codes of {name!r} stand for weights other than 0 where they are 0")


class Finisher(ABC):
    """Target of a :class:`~safecompress_core.api.FinisherDef`; built from its parameters."""

    def check(self, network: Classifier) -> Iterator[Problem]:
        """Yield what cannot work on a network of the spec's model, before anything trains."""
        del network
        return iter(())

    @abstractmethod
    @check_result(_check_finish)
    def finish(self, context: FinishContext) -> Finish:
        """Return what is stored instead of the trained weights.

        The same context gives the same bytes: a run that is resumed finishes its model again.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedModel:
    """A model after all stages.

    Attributes:
        state: of the finished model; nothing trains it any more.
        stages: by stage, its type and its facts, JSON-ready.
    """

    state: TrainingState
    stages: tuple[dict[str, Any], ...] = ()


def finish_model(
    state: TrainingState,
    stages: Sequence[Params],
    *,
    create_component: Callable[[Params], Any],
    calibration: Callable[[], Tensor],
) -> FinishedModel:
    """Apply finishers to a copy of a model; without any, return the model itself.

    Args:
        state: of the trained model, which stays as it is.
        stages: parameters of the finishers, in their order.
        create_component: builds a finisher.
        calibration: inputs of the members of *attack-train*, on any device.

    Raises:
        ModelError: if a stage removes channels of a network whose weights are coded already.
    """
    if not stages:
        return FinishedModel(state=state)
    finished = state.branch(state.settings)
    finished.encode(state.codes)
    records = []
    for params in stages:
        finisher: Finisher = create_component(params)
        network = finished.network
        with in_eval_mode(network):
            finish = finisher.finish(
                FinishContext(
                    network=network,
                    weights={n: w.detach().cpu() for n, w in finished.weights.items()},
                    calibration=calibration().to(network.device),
                )
            )
        if finish.smaller is not None:
            _reduce(finished, finish.smaller, sample=calibration()[:1].to(network.device))
        finished.encode(finish.codes)
        network.round_inputs(finish.inputs)
        records.append({"type": component_id(params), "facts": dict(finish.facts)})
    return FinishedModel(state=finished, stages=tuple(records))


def _reduce(state: TrainingState, smaller: SmallerNetwork, *, sample: Tensor) -> None:
    """Replace the network of a state by a smaller one; a sparse one stays sparse."""
    if state.codes or state.network.rounded_inputs:
        raise ModelError(
            "channels are removed from a network that is quantised already",
            hint="write the stage that removes channels first",
        )
    topology = None
    if state.topology is not None:
        # Active weights of 0 have no effect; a layer keeps one, as every layer has.
        masks = {name: smaller.state[name].cpu() != 0 for name in state.topology.masks}
        for mask in masks.values():
            mask.view(-1)[0] |= not mask.any()
        topology = Topology.from_masks(masks)
    state.reduce(smaller.layer_shapes, smaller.state, topology, sample=sample)
