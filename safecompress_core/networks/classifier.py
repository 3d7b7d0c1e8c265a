"""A classifier as SafeCompress sees it: logits, a representation, weights that may be sparse.

One without access to its inside is `BlackBoxModel`: it answers, and that is all.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from safecompress_core.api import Access, Definition
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import RepresentationError, TopologyError
from safecompress_core.host.boundary import check_result
from safecompress_core.networks.input_rounding import InputRange, round_inputs
from safecompress_core.networks.layer_shapes import ARCHITECTURE_SHAPES, LayerShapes
from safecompress_core.networks.sparse_layers import DEFAULT_RULE, SparseRule, sparsifiable_weights
from safecompress_core.sparse.topology import Masks, Topology

__all__ = [
    "BlackBoxModel",
    "Classifier",
    "ForwardOutput",
    "ModelFactory",
    "in_eval_mode",
    "logits_layer",
]

# N samples · C classes · H values of the representation · K inputs of the last linear layer


class ForwardOutput(NamedTuple):
    """One forward pass.

    Attributes:
        answers: logits as a user gets them, shape (N, C).
        logits: what the last linear layer puts out, shape (N, C); of most networks the answers.
        representation: shape (N, H).
        last_input: what the last linear layer was given, shape (N, K); often the representation.
    """

    answers: Tensor
    logits: Tensor
    representation: Tensor
    last_input: Tensor


class Classifier(nn.Module):
    """Wraps any module whose last linear layer yields the logits.

    The *representation* is what a split model would send over a wire, and what attribute probes
    read: the last linear layer's input, or what a module of your choice puts out. Of a sequence
    (N, positions, H) it is the first position; anything larger is flattened.

    Attributes:
        module: what was wrapped.
        topology: which of its `sparse_parameters` exist; None for a dense network. The network is
            the one owner of its masks: training, attacks and files read them here.
        layer_shapes: how its layers differ from those of its architecture. Anyone who reshaped the
            module sets it likewise.
        width: H, values of the representation.

    Args:
        module: a network from samples to logits.
        sample: an input, shape (1, ...), by which the layer that yields the logits is found; else
            it is the linear layer registered last.
        representation: the name of the module whose output is the representation, which takes a
            sample; by default it is the head's input.
        rule: which weights may be sparse.

    Raises:
        TopologyError: if the logits come from no linear layer.
        RepresentationError: if there is no module of the representation's name, or it puts out no
            vectors.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        sample: Tensor | None = None,
        representation: str | None = None,
        rule: SparseRule = DEFAULT_RULE,
    ) -> None:
        super().__init__()
        # Only nn.Linear: last-layer gradients have a closed form for it alone.
        heads = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
        if not heads:
            raise TopologyError("the model has no linear layer, so it has no representation")
        modules = dict(module.named_modules())
        if representation is not None and representation not in modules:
            names = ", ".join(filter(None, modules))
            message = f"the model has no module {representation!r}; it has: {names}"
            raise RepresentationError(message)
        self.module = module
        self.topology: Topology | None = None
        self.layer_shapes: LayerShapes = ARCHITECTURE_SHAPES
        self.rounded_inputs: Mapping[str, InputRange] = {}
        # In lists: registered once, as parts of the module.
        # A sample locates the head by its output; without one it is the last linear layer.
        self._head = [heads[-1] if sample is None else logits_layer(module, sample)]
        self._probed = [] if representation is None else [modules[representation]]
        self._rule = rule
        # Measured, since a module's representation may be of any size.
        self.width = self.head.in_features if sample is None else self._width(sample)

    @property
    def access(self) -> Access:
        """The most that anybody can see of this network."""
        return Access.WHITE_BOX

    @property
    def masks(self) -> Masks:
        """Return the active weights, bool, by name, on the CPU; empty for a dense network."""
        return {} if self.topology is None else self.topology.masks

    @property
    def inside(self) -> "Classifier":
        """The network that a holder of the model file can query: by default itself."""
        return self

    @property
    # The first parameter decides: networks are never split over devices.
    def device(self) -> torch.device:
        """Return the device of its inputs."""
        return next(self.parameters()).device

    @property
    def head(self) -> nn.Linear:
        """The layer that yields the logits."""
        return self._head[0]

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits, shape (N, C)."""
        return self.module(inputs)  # type: ignore[no-any-return]

    def represent(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, C) and representation (N, H) of one forward pass."""
        seen = self.forward_with_representation(inputs)
        return seen.logits, seen.representation

    def forward_with_representation(self, inputs: Tensor) -> ForwardOutput:
        """Logits, representation and the head's input of one forward pass."""
        # Hooks rather than a second forward pass: dropout would differ between two passes.
        fed: list[Tensor] = []
        put_out: list[Tensor] = []
        handles = [self.head.register_forward_pre_hook(lambda _, args: fed.append(args[0]))]
        handles += [
            layer.register_forward_hook(lambda _, __, output: put_out.append(_flat(output)))
            for layer in self._probed
        ]
        # Removed even if the forward pass fails.
        try:
            logits = self(inputs)
        finally:
            for handle in handles:
                handle.remove()
        # The last call counts, if a module is applied several times in a pass.
        return ForwardOutput(logits, logits, put_out[-1] if put_out else fed[-1], fed[-1])

    def _width(self, sample: Tensor) -> int:
        # Eval mode: a pass in training mode would update batch statistics.
        with torch.no_grad(), in_eval_mode(self):
            return self.forward_with_representation(sample).representation.shape[1]

    def round_inputs(self, ranges: Mapping[str, InputRange]) -> None:
        """Round what layers are fed from now on; by the layer's name in the module.

        Raises:
            TopologyError: if there is no such layer, or its inputs are rounded already.
        """
        if again := sorted(ranges.keys() & self.rounded_inputs.keys()):
            raise TopologyError(f"inputs of {again[0]!r} are rounded already")
        round_inputs(self.module, ranges)
        self.rounded_inputs = {**self.rounded_inputs, **ranges}

    def reduce(
        self, layer_shapes: LayerShapes, state: Mapping[str, Tensor], *, sample: Tensor
    ) -> None:
        """Take layers of fewer inputs and outputs, with their weights; the network is dense then.

        Args:
            layer_shapes: the widths that differ from those of the architecture.
            state: parameters and buffers by name, of these shapes.
            sample: an input, shape (1, ...), on the network's device.

        Raises:
            ModelError: if a layer cannot have such a shape.
        """
        layer_shapes.apply(self.module)
        self.module.load_state_dict(state)
        self.layer_shapes = replace(
            self.layer_shapes, widths={**self.layer_shapes.widths, **layer_shapes.widths}
        )
        self.topology = None
        self.width = self._width(sample)

    def sparse_parameters(self) -> dict[str, nn.Parameter]:
        """The weights that a topology may thin out, by name; see `sparsifiable_weights`."""
        return sparsifiable_weights(self.module, self._rule)

    def state(self) -> dict[str, Tensor]:
        """The module's parameters and buffers, detached, by the names of `sparse_parameters`."""
        # Detached, so that no caller extends the training graph.
        return {name: tensor.detach() for name, tensor in self.module.state_dict().items()}


class BlackBoxModel(Classifier):
    """A network that answers with logits, and of which nothing else is known.

    It has black-box access: no representation, no parameters, no weights that may be sparse.

    Args:
        module: from samples to logits, both on the CPU.
    """

    def __init__(self, module: nn.Module) -> None:
        # Not Classifier.__init__, which requires a linear layer.
        nn.Module.__init__(self)
        self.module = module
        self.topology = None
        self.layer_shapes = ARCHITECTURE_SHAPES
        self.rounded_inputs = {}
        self.width = 0

    @property
    def access(self) -> Access:
        """Answers, and nothing of where they come from."""
        return Access.BLACK_BOX

    @property
    def device(self) -> torch.device:
        """The processor."""
        return torch.device("cpu")

    def forward_with_representation(self, inputs: Tensor) -> ForwardOutput:
        """Logits; representation and last input have no values, (N, 0)."""
        answers, nothing = self(inputs), torch.zeros(len(inputs), 0)
        return ForwardOutput(answers, answers, nothing, nothing)


def logits_layer(module: nn.Module, sample: Tensor) -> nn.Linear:
    """The linear layer whose output the logits are, found by a forward pass in eval mode.

    Args:
        module: a network from samples to logits.
        sample: one of its samples, shape (1, ...).

    Raises:
        TopologyError: if the logits are no matrix, or come from no linear layer.
    """
    # In call order, which may differ from the order of definition.
    seen: list[tuple[nn.Linear, Tensor]] = []
    with ExitStack() as hooks, torch.no_grad(), in_eval_mode(module):
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                handle = layer.register_forward_hook(
                    lambda layer, _, output: seen.append((layer, output))
                )
                hooks.callback(handle.remove)
        logits = module(sample)
    if not isinstance(logits, Tensor) or logits.ndim != 2:
        raise TopologyError("the model does not answer with a matrix of logits")
    # From the last: an earlier layer may output equal values, such as zeros.
    for layer, output in reversed(seen):
        # Bitwise: the logits are this layer's output only if nothing was applied to it.
        if output.shape == logits.shape and torch.equal(output, logits):
            return layer
    raise TopologyError(
        "the logits come from no linear layer, so there are no last-layer gradients to observe"
    )


def _flat(output: Any) -> Tensor:
    """Return a module's output as one vector a sample, (N, H); later layers may overwrite it."""
    # Recurrent layers and attention return (output, state).
    if isinstance(output, tuple):
        output = output[0]
    if not isinstance(output, Tensor) or output.ndim < 2:
        raise RepresentationError("the module puts out no tensor with a row for each sample")
    # Three dimensions: the first token, where encoders collect a sequence. Cloned, since in-place
    # activations overwrite it.
    return (output[:, 0] if output.ndim == 3 else output.flatten(1)).clone()


@contextmanager
def in_eval_mode(module: nn.Module) -> Iterator[None]:
    """Eval mode; afterwards each submodule is in the mode that it was in."""
    # Per module, since a frozen batch norm is in eval mode while the rest trains.
    modes = [(submodule, submodule.training) for submodule in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for submodule, training in modes:
            submodule.training = training


def _check_prepared(_: Definition, dataset: object, *__: object) -> None:
    if not isinstance(dataset, Dataset):
        raise ValueError(f"returned {type(dataset).__name__}; it must return a Dataset")


def _check_module(_: Definition, module: object, **__: object) -> None:
    if not isinstance(module, nn.Module):
        raise ValueError(f"returned {type(module).__name__}; it must return a torch.nn.Module")


class ModelFactory(ABC):
    """Target of a :class:`~safecompress_core.api.ModelDef`; built from its parameters."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the outputs that it has learned already, in their order; empty for none."""
        return ()

    @check_result(_check_prepared)
    def prepare(self, dataset: Dataset) -> Dataset:
        """The samples as the model takes them; a model that reads text makes tokens of it."""
        # Models that take the data as they are need no preparation.
        return dataset

    @abstractmethod
    @check_result(_check_module)
    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """A fresh network from samples of ``input_shape`` to ``classes`` logits.

        All weights are drawn from ``generator``.
        """
